/**
 * Runs scripts of slots: as one call where one server has every slot, and as one per slot on a cluster. Notes the
 * latest mark of each slot, by which the next script finds out whether the slot has gone back (see redis-scripts.ts).
 */
import { GenerationLost, replyCode } from './redis-errors.ts'
import type { Generation } from './redis-generation.ts'
import type { RedisLink, ScriptArgument } from './redis-link.ts'
import type { SlotScriptName } from './redis-scripts.ts'

/** What a script is to do in one slot. */
export interface SlotCall {
  readonly slot: number
  /** The first is the hash of the slot. */
  readonly keys: readonly string[]
  readonly args: readonly ScriptArgument[]
}

/** Redis serves nobody else while a script runs: keys of one script, and bytes that it takes. */
const MAX_KEYS = 512
const MAX_BYTES = 1_048_576

export class SlotScripts {
  readonly #link: RedisLink
  /** Whether one script may have keys of several slots. */
  #spansSlots: boolean

  constructor(link: RedisLink) {
    this.#link = link
    this.#spansSlots = !link.isCluster
  }

  get spansSlots(): boolean {
    return this.#spansSlots
  }

  /** Answers what the script found in each slot, in order: texts and numbers, or bytes in place of texts. */
  async run(
    generation: Generation,
    script: SlotScriptName,
    calls: readonly SlotCall[],
    { asBytes = false } = {},
  ): Promise<unknown[]> {
    const spansSlots = this.#spansSlots
    const parts = spansSlots ? inParts(calls) : calls.map((call) => [call])
    try {
      const answers = await Promise.all(parts.map((part) => this.#runPart(generation, script, part, asBytes)))
      return answers.flat()
    } catch (error) {
      // What looks like one server may stand before a cluster. Such a script was not begun. Several may find that out.
      if (!spansSlots || replyCode(error) !== 'CROSSSLOT') throw error
      this.#spansSlots = false
      return this.run(generation, script, calls, { asBytes })
    }
  }

  async #runPart(
    generation: Generation,
    script: SlotScriptName,
    calls: readonly SlotCall[],
    asBytes: boolean,
  ): Promise<unknown[]> {
    const keys: string[] = []
    const args: ScriptArgument[] = [calls.length]
    for (const call of calls) {
      for (const key of call.keys) keys.push(key)
      args.push(call.keys.length, call.args.length, generation.marks[call.slot]!)
      for (const arg of call.args) args.push(arg)
    }
    const answers = asBytes ? this.#link.runForBytes(script, keys, args) : this.#link.run(script, keys, args)
    return ((await answers) as unknown[]).map((answer, i) => resultIn(generation, calls[i]!.slot, answer))
  }
}

/** Slots in their order, several to a script. */
function inParts(calls: readonly SlotCall[]): SlotCall[][] {
  const parts: SlotCall[][] = []
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

function payloadBytes({ args }: SlotCall): number {
  return args.reduce<number>((sum, arg) => sum + (arg instanceof Uint8Array ? arg.byteLength : 0), 0)
}

/**
 * What a script answers of a slot, where the slot is still the one that we know. In a cluster a script may be answered
 * after one that was sent later, so the mark of the highest number counts.
 */
function resultIn({ marks }: Generation, slot: number, answer: unknown): unknown {
  if (answer === null) throw new GenerationLost('a slot has no floor, or not the changes that it had')
  const [mark, result] = answer as readonly [string | Buffer, unknown]
  const latest = mark.toString()
  if (Number.parseInt(latest, 10) >= (Number.parseInt(marks[slot]!, 10) || 0)) marks[slot] = latest
  return result
}
