/**
 * No call of one namespace sees, changes or deletes anything of another, whatever their names have in common: tests for
 * any store that has namespaces.
 */
import type { Arbitrary } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PATIENCE_MS } from '../contract/patience.ts'
import { fc } from '../load-fast-check.ts'
import type { NamespacePath, TestedStore } from '../tested-store.ts'
import { type Change, ExpectedValues } from './expected-values.ts'
import { KINDS, type Place } from './places.ts'

/** How a store is opened, and which names it takes. */
export interface IsolationSuite {
  /** A new, empty store, for each test and each random run; it is closed afterwards, where it has a `close`. */
  open(): TestedStore | Promise<TestedStore>
  /**
   * Whether the store takes such a namespace and id: some take no empty ones, or only short ones. Others are left out,
   * and the tests that have nothing else are skipped. @default it takes everything
   */
  accepts?(namespace: NamespacePath, id: string): boolean
  /** Whether `list`, `search` and `clear` are about the namespaces below as well. @default false */
  readonly listsBelow?: boolean | undefined
  /** Random runs. @default 30 */
  readonly runs?: number | undefined
  /** Of the random runs, to see one again: a failure prints it. @default another each time */
  readonly seed?: number | undefined
}

/** Of a random run. */
const MOST_STEPS = 20

/**
 * Declares the tests of isolation as tests of vitest.
 * @param name of the store, for the titles of tests.
 */
export function describeIsolation(name: string, suite: IsolationSuite): void {
  const isAccepted = ({ namespace, id }: Place): boolean => suite.accepts?.(namespace, id) ?? true
  const accepted = (places: readonly Place[]): Place[] => places.filter(isAccepted)

  describe(`isolation: ${name}`, { timeout: PATIENCE_MS }, () => {
    it('accepts plain names at least, and keeps, replaces and deletes what they have', async () => {
      const plain: Place[] = ['a', 'b'].map((segment) => ({ namespace: [segment], id: '1' }))
      expect(accepted(plain)).toEqual(plain)
      await changeEach(suite, plain)
    })

    describe.each(Object.entries(KINDS))('keeps apart %s', (_, places) => {
      const tried = accepted(places)
      it.runIf(tried.length > 1)('in every call', () => changeEach(suite, tried))
    })

    it('keeps apart what is written at the same time', async () => {
      const places = Object.values(KINDS).flatMap((kind) => accepted(kind).slice(0, 4))
      await changeAtOnce(suite, distinct(places))
    })

    it('keeps apart random names, in random calls', async () => {
      const { runs = 30, seed } = suite
      const property = fc.asyncProperty(randomRuns(isAccepted), (run) => makeAll(suite, run))
      await fc.assert(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) })
    })
  })
}

/** With a new store that is to have nothing but what is done to it. */
async function withStore(
  suite: IsolationSuite,
  places: readonly Place[],
  work: (expected: ExpectedValues) => Promise<void>,
): Promise<void> {
  const store = await suite.open()
  try {
    await work(new ExpectedValues(store, places, suite.listsBelow ?? false))
  } finally {
    await store.close?.()
  }
}

/** Every place is put, some are put again and deleted, and some cleared, while all others are looked at. */
async function changeEach(suite: IsolationSuite, places: readonly Place[]): Promise<void> {
  await withStore(suite, places, async (expected) => {
    for (const put of places) await expected.make({ put })
    await expected.check('once all are put')
    const some = places.filter((_, nth) => nth % 3 === 0)
    for (const put of some) await expected.make({ put })
    await expected.check('once some are put again')
    for (const place of some) await expected.makeAndRead({ delete: place })
    await expected.check('once these are deleted')
    for (const { namespace } of places.slice(0, 3)) await expected.makeAndCheck({ clear: namespace })
  })
}

async function changeAtOnce(suite: IsolationSuite, places: readonly Place[]): Promise<void> {
  await withStore(suite, places, async (expected) => {
    const changeOften = async (place: Place, nth: number): Promise<void> => {
      for (const put of [place, place, place]) await expected.make({ put })
      if (nth % 2 === 0) await expected.make({ delete: place })
    }
    await Promise.all(places.map(changeOften))
    await expected.check('once all of it is done')
  })
}

async function makeAll(suite: IsolationSuite, { places, steps }: RandomRun): Promise<void> {
  await withStore(suite, places, async (expected) => {
    for (const { make, which } of steps) {
      const place = places[which % places.length]!
      await expected.makeAndCheck(make === 'clear' ? { clear: place.namespace } : changeOf(make, place))
    }
  })
}

function changeOf(make: 'put' | 'delete', place: Place): Change {
  return make === 'put' ? { put: place } : { delete: place }
}

/** Steps name places by their numbers, so that a failure shrinks to the few that matter. */
interface RandomRun {
  readonly places: readonly Place[]
  readonly steps: readonly { readonly make: 'put' | 'delete' | 'clear'; readonly which: number }[]
}

/** Few letters, so that names come near to one another by chance. */
function randomRuns(isAccepted: (place: Place) => boolean): Arbitrary<RandomRun> {
  const letter = fc.constantFrom(...'aabb:/.|*%_\\ A', 'é', 'e\u0301')
  const text = fc.array(letter, { maxLength: 4 }).map((letters) => letters.join(''))
  const namespace = fc.array(text, { minLength: 1, maxLength: 3 })
  const place = fc.record({ namespace, id: fc.oneof(fc.constantFrom('1', 'b'), text) }).filter(isAccepted)
  const make = fc.constantFrom('put' as const, 'put' as const, 'delete' as const, 'clear' as const)
  return fc.record({
    places: fc.uniqueArray(place, {
      minLength: 2,
      maxLength: 6,
      selector: ({ namespace, id }) => JSON.stringify([namespace, id]),
    }),
    steps: fc.array(fc.record({ make, which: fc.nat({ max: 5 }) }), {
      minLength: 2,
      maxLength: MOST_STEPS,
      size: 'max',
    }),
  })
}

function distinct(places: readonly Place[]): Place[] {
  return [...new Map(places.map((place) => [JSON.stringify([place.namespace, place.id]), place])).values()]
}
