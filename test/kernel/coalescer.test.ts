import { expect, it } from 'vitest'
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
