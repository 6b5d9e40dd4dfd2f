import { describe, expect, it } from 'vitest'
import { Coalescer } from '../../src/kernel/coalescer.ts'

function setUp(answer = async (items: readonly number[]): Promise<readonly number[]> => items.map((item) => -item)) {
  const works: [number[], number][] = []
  const coalescer = new Coalescer<number, number>((items, calls) => {
    works.push([[...items], calls])
    return answer(items)
  })
  return { coalescer, works }
}

it('does the calls of one turn as one, in their order, and answers each its own', async () => {
  const { coalescer, works } = setUp()
  const calls = [coalescer.call([1, 2]), coalescer.call([]), coalescer.call([3])]
  // Also what goes on after the same promise.
  const later = Promise.resolve().then(() => coalescer.call([4]))
  expect(await Promise.all([...calls, later])).toEqual([[-1, -2], [], [-3], [-4]])
  expect(works).toEqual([[[1, 2, 3, 4], 4]])
  expect(await coalescer.call([5])).toEqual([-5])
  expect(works).toHaveLength(2)
})

it('rejects every call of the batch that failed, and no other', async () => {
  const failure = new Error('broken')
  let isBroken = true
  const { coalescer } = setUp(async (items) => {
    if (isBroken) throw failure
    return items
  })
  const outcomes = await Promise.allSettled([coalescer.call([1]), coalescer.call([2])])
  expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([failure, failure])
  isBroken = false
  expect(await coalescer.call([1])).toEqual([1])
})

it('splits what is too much, never a call', async () => {
  const { coalescer, works } = setUp()
  const large = Array.from({ length: 1_500 }, (_, i) => i)
  const answers = await Promise.all([coalescer.call([1]), coalescer.call(large), coalescer.call([2])])
  expect(answers.map(({ length }) => length)).toEqual([1, 1_500, 1])
  expect(works.map(([items]) => items.length)).toEqual([1, 1_500, 1])
})

it('rejects the calls also where the work fails before it answers a promise', async () => {
  const failure = new Error('broken')
  const { coalescer } = setUp(() => {
    throw failure
  })
  await expect(coalescer.call([1])).rejects.toBe(failure)
})

describe('one after the other', () => {
  /** Batches end when they are told to. */
  function setUpTurns(turnMs: number) {
    const begun: { readonly items: readonly number[]; readonly end: (failure?: Error) => void }[] = []
    const coalescer = new Coalescer<number, number>(
      (items) =>
        new Promise((resolve, reject) => {
          const end = (failure?: Error) =>
            failure === undefined ? resolve(items.map((item) => -item)) : reject(failure)
          begun.push({ items: [...items], end })
        }),
      { turnMs },
    )
    return { coalescer, begun }
  }

  it('does what comes while a batch is under way together, behind it', async () => {
    const { coalescer, begun } = setUpTurns(60_000)
    const first = coalescer.call([1])
    await nextTurn()
    const later = [coalescer.call([2])]
    await nextTurn()
    later.push(coalescer.call([3, 4]))
    await nextTurn()
    expect(begun.map(({ items }) => items)).toEqual([[1]])
    begun[0]!.end(new Error('broken'))
    await expect(first).rejects.toThrow('broken')
    expect(begun.map(({ items }) => items)).toEqual([[1], [2, 3, 4]])
    const last = coalescer.call([5])
    begun[1]!.end()
    expect(await Promise.all(later)).toEqual([[-2], [-3, -4]])
    await nextTurn()
    begun[2]!.end()
    expect(await last).toEqual([-5])
  })

  it('is not held up by one that takes longer than its turn', async () => {
    const { coalescer, begun } = setUpTurns(1)
    const slow = coalescer.call([1])
    const next = coalescer.call([2]).then((answer) => answer)
    await nextTurn()
    const third = coalescer.call([3])
    await expect.poll(() => begun.length).toBe(2)
    begun[1]!.end()
    expect(await third).toEqual([-3])
    begun[0]!.end()
    expect(await Promise.all([slow, next])).toEqual([[-1], [-2]])
  })
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
