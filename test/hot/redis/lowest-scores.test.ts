import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lowestScores, type ReadPages } from '../../../src/hot/redis/lowest-scores.ts'

function pagesOf(lists: readonly (readonly number[])[]): { readPages: ReadPages; read: () => number } {
  let read = 0
  const sorted = lists.map((scores, list) =>
    scores.map((score, i) => ({ name: `${list}:${i}`, score })).sort((a, b) => a.score - b.score),
  )
  const readPages: ReadPages = async (wanted) => {
    const pages = wanted.map(({ list, offset, count }) => sorted[list]!.slice(offset, offset + count))
    read += pages.flat().length
    return pages
  }
  return { readPages, read: () => read }
}

it('answers what sorting everything would', async () => {
  const list = fc.array(fc.nat({ max: 40 }), { maxLength: 30, size: 'max' })
  await fc.assert(
    fc.asyncProperty(fc.array(list, { minLength: 1, maxLength: 5 }), fc.nat({ max: 40 }), async (lists, limit) => {
      const { readPages } = pagesOf(lists)
      const names = await lowestScores(lists.length, limit, readPages)
      const scores = names.map((name) => {
        const [from, i] = name.split(':').map(Number)
        return lists[from!]![i!]
      })
      expect(new Set(names).size).toBe(names.length)
      const all = lists.flat().sort((a, b) => a - b)
      expect(scores).toEqual(all.slice(0, limit))
    }),
    { numRuns: 500 },
  )
})

it('reads what it answers, where there is one list', async () => {
  const { readPages, read } = pagesOf([Array.from({ length: 5_000 }, (_, i) => i)])
  expect(await lowestScores(1, 1_000, readPages)).toHaveLength(1_000)
  expect(read()).toBe(1_000)
})

it('reads about what it answers, however much there is', async () => {
  const lists = Array.from({ length: 64 }, (_, list) => Array.from({ length: 5_000 }, (_, i) => i * 64 + list))
  const { readPages, read } = pagesOf(lists)
  expect(await lowestScores(64, 100, readPages)).toHaveLength(100)
  expect(read()).toBeLessThan(400)
})
