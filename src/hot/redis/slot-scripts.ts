/**
 * Runs scripts of slots: as one call where one server has every slot, and as one per slot on a cluster. Records the
 * latest mark of each slot, by which the next script finds out whether the slot has gone back (redis-scripts.ts).
 */

import type { RedisConnection, ScriptArgument } from './redis-connection.ts'
import { GenerationLost, replyCode } from './redis-errors.ts'
import type { Generation } from './redis-generation.ts'
import type { SlotScriptName } from './redis-scripts.ts'
import { markIn } from './redis-values.ts'

/** What a script is to do in one slot. */
export interface SlotCall {
  readonly slot: number
  /** The first is the state of the slot. */
  readonly keys: readonly string[]
  readonly args: readonly ScriptArgument[]
}

/** A part of a slot. */
export type SlotRead = Pick<SlotCall, 'slot' | 'keys'>

/** Redis serves nobody else while a script runs: keys of one script, and bytes that it takes. */
const MAX_KEYS = 512
export const MAX_BYTES = 1_048_576
/** Items of one call: each has two keys at most, and the slot four. */
export const MAX_ITEMS = (MAX_KEYS - 4) >> 1
/** From so many keys on, two commands cost less than a script that Redis hands the values. */
const MIN_KEYS_WITHOUT_SCRIPT = 8

export class SlotScripts {
  readonly #connection: RedisConnection
  /** Whether one script may have keys of several slots. */
  #spansSlots: boolean

  constructor(connection: RedisConnection) {
    this.#connection = connection
    this.#spansSlots = !connection.isCluster
  }

  get spansSlots(): boolean {
    return this.#spansSlots
  }

  /** Returns what the script found in each slot, in order: texts and numbers. */
  async run(generation: Generation, script: SlotScriptName, calls: readonly SlotCall[]): Promise<unknown[]> {
    return this.#inParts(calls, (part) => this.#runPart(generation, script, part))
  }

  /** Returns the entries in each slot, in order. */
  async read(generation: Generation, calls: readonly SlotRead[]): Promise<(Buffer | null)[][]> {
    return this.#inParts(calls, (part) => this.#readPart(generation, part))
  }

  /** Returns what the parts answer, in order. */
  async #inParts<C extends SlotRead & Partial<SlotCall>, A>(
    calls: readonly C[],
    ask: (part: readonly C[]) => Promise<readonly A[]>,
  ): Promise<A[]> {
    const spansSlots = this.#spansSlots
    const parts = spansSlots ? inParts(calls) : calls.map((call) => [call])
    try {
      return (await Promise.all(parts.map(ask))).flat()
    } catch (error) {
      // What looks like one server may stand before a cluster. Such a call was not begun. Several may find that out.
      if (!spansSlots || replyCode(error) !== 'CROSSSLOT') throw error
      this.#spansSlots = false
      return this.#inParts(calls, ask)
    }
  }

  async #readPart(generation: Generation, calls: readonly SlotRead[]): Promise<(Buffer | null)[][]> {
    const keys = calls.length === 1 ? calls[0]!.keys : calls.flatMap((call) => call.keys)
    const seen = calls.map(({ slot }) => generation.marks[slot]!)
    const values = await this.#valuesOf(generation, keys)
    let from = 0
    return calls.map((call, i) => {
      const found = values.slice(from, from + call.keys.length)
      from += call.keys.length
      const latest = markIn(found.shift(), seen[i]!)
      if (latest === undefined) throw new GenerationLost('a slot has no state, or not the changes that it had')
      noteMark(generation, call.slot, latest)
      return found
    })
  }

  #valuesOf({ keys: { slots } }: Generation, keys: readonly string[]): Promise<(Buffer | null)[]> {
    // Of several slots, something that stands before a cluster might ask several servers.
    if (slots.length === 1 && keys.length >= MIN_KEYS_WITHOUT_SCRIPT && !this.#connection.isCluster)
      return this.#connection.readBytes(keys)
    return this.#connection.runForBytes('read', keys, []) as Promise<(Buffer | null)[]>
  }

  async #runPart(generation: Generation, script: SlotScriptName, calls: readonly SlotCall[]): Promise<unknown[]> {
    const keys: string[] = []
    const args: ScriptArgument[] = [calls.length]
    for (const call of calls) {
      for (const key of call.keys) keys.push(key)
      args.push(call.keys.length, call.args.length, generation.marks[call.slot]!)
      for (const arg of call.args) args.push(arg)
    }
    const answers = (await this.#connection.run(script, keys, args)) as unknown[]
    return answers.map((answer, i) => resultIn(generation, calls[i]!.slot, answer))
  }
}

/** Slots in their order, several to a script. */
function inParts<C extends SlotRead & Partial<SlotCall>>(calls: readonly C[]): C[][] {
  const parts: C[][] = []
  let [keys, bytes] = [MAX_KEYS, 0]
  for (const call of calls) {
    const size = payloadBytes(call)
    keys += call.keys.length
    bytes += size
    if (keys > MAX_KEYS || bytes > MAX_BYTES) {
      parts.push([])
      keys = call.keys.length
      bytes = size
    }
    parts.at(-1)!.push(call)
  }
  return parts
}

function payloadBytes({ args = [] }: Partial<SlotCall>): number {
  return args.reduce<number>((sum, arg) => sum + (arg instanceof Uint8Array ? arg.byteLength : 0), 0)
}

/** What a script answers of a slot, where the slot is still the one that we know. */
function resultIn(generation: Generation, slot: number, answer: unknown): unknown {
  if (answer === null) throw new GenerationLost('a slot has no state, or not the changes that it had')
  const [latest, result] = answer as readonly [string, unknown]
  noteMark(generation, slot, latest)
  return result
}

/** In a cluster a script may be answered after one that was sent later, so the mark of the highest number counts. */
function noteMark({ marks }: Generation, slot: number, latest: string): void {
  if (latest.slice(0, 16) >= marks[slot]!.slice(0, 16)) marks[slot] = latest
}
