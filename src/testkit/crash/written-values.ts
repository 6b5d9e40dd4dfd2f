/** What the killed processes wrote, round after round, and what is wrong with what a store has of it. */
import { type Found, NAMESPACES, nthValue, PLACES } from './crash-task.ts'

/** What a store must not do. */
export type CrashFault = 'lost' | 'came back' | 'torn' | 'listed otherwise' | 'changed by reopening'

export interface FoundFault {
  readonly fault: CrashFault
  /** In words, with namespace and id. */
  readonly text: string
}

/** Of one place; undefined: no value. */
interface History {
  /** What a reader may find: what was acknowledged last, or what was begun since. */
  possible: (string | undefined)[]
  /** Every value that was ever begun. */
  readonly begun: Set<string>
}

export class WrittenValues {
  readonly #histories: readonly History[] = PLACES.map(() => ({ possible: [undefined], begun: new Set() }))

  /** @param line that a writer said in that round. Answers whether it acknowledges a write. */
  see(line: string, round: number): boolean {
    const [what, place, n] = line.split(' ')
    const value = nthValue(Number(place), round, Number(n))
    const history = this.#histories[Number(place)]!
    if (what === 'ack') history.possible = [value]
    else {
      history.possible.push(value)
      if (value !== undefined) history.begun.add(value)
    }
    return what === 'ack'
  }

  /** What was found is what is possible from now on. */
  judge({ values, lists }: Found): FoundFault[] {
    const faults = values.flatMap((value, place) => this.#judgeOne(place, value ?? undefined))
    const listed = lists === null ? [] : listFaults({ values, lists })
    return [...faults, ...listed]
  }

  #judgeOne(place: number, found: string | undefined): FoundFault[] {
    const { possible, begun } = this.#histories[place]!
    this.#histories[place]!.possible = [found]
    if (possible.includes(found)) return []
    const [acknowledged] = possible
    const text = `${nameOf(place)}: ${brief(found)}, after ${brief(acknowledged)} was acknowledged`
    if (found !== undefined && !begun.has(found)) return [{ fault: 'torn', text }]
    return [{ fault: acknowledged === undefined ? 'came back' : 'lost', text }]
  }
}

function listFaults({ values, lists }: Found & { readonly lists: NonNullable<Found['lists']> }): FoundFault[] {
  return NAMESPACES.flatMap((namespace, nth) => {
    const own = PLACES.flatMap((place, at) =>
      place.namespace === namespace && values[at] !== null ? [`${place.id}: ${values[at]}`] : [],
    )
    const listed = lists[nth]!.map(({ id, value }) => `${id}: ${value}`).sort()
    if (JSON.stringify(own.sort()) === JSON.stringify(listed)) return []
    const text = `${JSON.stringify(namespace)}: lists [${listed.map(brief)}], and has [${own.map(brief)}]`
    return [{ fault: 'listed otherwise', text }]
  })
}

/** Where two readers found something else, though nobody wrote in between. */
export function reopeningFaults(before: Found, after: Found): FoundFault[] {
  return before.values.flatMap((value, place) => {
    if (value === after.values[place]) return []
    const text = `${nameOf(place)}: ${brief(value)}, then ${brief(after.values[place])}`
    return [{ fault: 'changed by reopening' as const, text }]
  })
}

function nameOf(place: number): string {
  const { namespace, id } = PLACES[place]!
  return `${JSON.stringify(namespace)} ${JSON.stringify(id)}`
}

/** Values are long. */
function brief(value: string | null | undefined): string {
  if (value === undefined || value === null) return 'nothing'
  return value.length > 40 ? `"${value.slice(0, 24)}…${value.slice(-6)}" (${value.length} characters)` : `"${value}"`
}
