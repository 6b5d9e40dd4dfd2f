/**
 * Reads what the page asks for: parameters of the address, and JSON of a body. What a call of the store takes is
 * checked by the store.
 */
import { type Where, whereOfJson } from '../admin/json-where.ts'
import { Refusal } from './refusal.ts'

/** An edited text comes as JSON. An entry may be twice as large; one that is edited in a page is not. */
const MAX_BODY_BYTES = 8 * 1024 * 1024

export class RequestInput {
  readonly #values: ReadonlyMap<string, unknown>

  constructor(values: ReadonlyMap<string, unknown>) {
    this.#values = values
  }

  static ofQuery(url: URL): RequestInput {
    return new RequestInput(new Map(url.searchParams))
  }

  static async ofBody(request: Request): Promise<RequestInput> {
    const text = await readText(request)
    const values = text === '' ? {} : parsed('body', text)
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      throw new Refusal(400, 'INVALID_INPUT', 'the body must be a JSON object')
    return new RequestInput(new Map(Object.entries(values)))
  }

  text(name: string): string {
    const value = this.optionalText(name)
    if (value === undefined) throw new Refusal(400, 'INVALID_INPUT', `\`${name}\` is missing`)
    return value
  }

  /** An empty one counts as left out, as an empty field of the page does. */
  optionalText(name: string): string | undefined {
    const value = this.#values.get(name)
    if (value === undefined || value === '') return undefined
    if (typeof value !== 'string') throw new Refusal(400, 'INVALID_INPUT', `\`${name}\` must be a text`)
    return value
  }

  number(name: string): number | undefined {
    const value = this.optionalText(name)
    if (value === undefined) return undefined
    const number = Number(value)
    if (!Number.isFinite(number)) throw new Refusal(400, 'INVALID_INPUT', `\`${name}\` must be a number`)
    return number
  }

  /** Whether it is `1` or true. */
  flag(name: string): boolean {
    const value = this.#values.get(name)
    return value === true || value === '1'
  }

  json(name: string): unknown {
    const value = this.#values.get(name)
    return typeof value === 'string' && value !== '' ? parsed(name, value) : value === '' ? undefined : value
  }

  where(name: string): Where | undefined {
    const value = this.optionalText(name)
    return value === undefined ? undefined : jsonOr(name, () => whereOfJson(value))
  }
}

function parsed(name: string, text: string): unknown {
  return jsonOr(name, () => JSON.parse(text) as unknown)
}

function jsonOr<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Refusal(400, 'INVALID_INPUT', `\`${name}\` is no JSON: ${(error as SyntaxError).message}`)
  }
}

/** Ends reading what is too long, whatever its headers say. */
async function readText(request: Request): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of request.body ?? []) {
    bytes += part.byteLength
    if (bytes > MAX_BODY_BYTES) throw new Refusal(413, 'TOO_LARGE', `a body has at most ${MAX_BODY_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
