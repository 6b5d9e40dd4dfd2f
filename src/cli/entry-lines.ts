/** Decides how an entry looks on a terminal: whole, a field a line, or as one line of a list. */

/** Characters of a text that a line of a list shows. */
const MOST_OF_A_TEXT = 72

/** What a line of a list shows, and so what is read for it. */
export const LISTED = ['id', 'kind', 'namespace', 'key', 'text', 'summary'] as const

interface Listed {
  readonly id: string
  readonly kind: string
  readonly namespace: string
  readonly key?: string
  readonly text?: string
  readonly summary?: string
}

/** Every field with its name; of a vector and of bytes only how many there are. */
export function entryLines(entry: object): string {
  const fields = Object.entries(entry).filter(([, value]) => value !== undefined)
  const width = Math.max(...fields.map(([name]) => name.length))
  return fields.map(([name, value]) => `${name.padEnd(width)}  ${asText(value)}`).join('\n')
}

/** Where it is, and how its text begins. */
export function entryLine(entry: Listed): string {
  const { kind, id, namespace, key, text, summary } = entry
  const begin = oneLine(text ?? summary ?? '')
  return [kind.padEnd(9), id, namespace, ...(key === undefined ? [] : [oneLine(key)]), begin]
    .filter((part) => part !== '')
    .join('  ')
}

function asText(value: unknown): string {
  if (value instanceof Float32Array) return `${value.length} dimensions`
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`
  if (value instanceof Date) return value.toISOString()
  return withoutControls(typeof value === 'string' ? value : JSON.stringify(value))
}

function oneLine(text: string): string {
  const plain = withoutControls(text).replace(/\s+/g, ' ').trim()
  return plain.length <= MOST_OF_A_TEXT ? plain : `${plain.slice(0, MOST_OF_A_TEXT - 1)}…`
}

/** What an entry holds may be anything, and a terminal obeys what it is sent. */
function withoutControls(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, '\u{fffd}')
}
