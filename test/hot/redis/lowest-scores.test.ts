import fc from 'fast-check'
import { expect, it } from 'vitest'
import { lowestScores, type ReadPage } from '../../../src/hot/redis/lowest-scores.ts'

function pagesOf(lists: readonly (readonly number[])[]): { readPage: ReadPage; read: () => number } {
  let read = 0
  const sorted = lists.map((scores, list) =>
    scores.map((score, i) => ({ name: `${list}:${i}`, score })).sort((a, b) => a.score - b.score),
  )
  const readPage: ReadPage = async (list, offset, count) => {
    const page = sorted[list]!.slice(offset, offset + count)
    read += page.length
    return page
  }
  return { readPage, read: () => read }
}

it('answers what sorting everything would', async () => {
  const list = fc.array(fc.nat({ max: 40 }), { maxLength: 30, size: 'max' })
  await fc.assert(
    fc.asyncProperty(fc.array(list, { minLength: 1, maxLength: 5 }), fc.nat({ max: 40 }), async (lists, limit) => {
      const { readPage } = pagesOf(lists)
      const names = await lowestScores(lists.length, limit, readPage)
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

it('reads about what it answers, however much there is', async () => {
  const lists = Array.from({ length: 64 }, (_, list) => Array.from({ length: 5_000 }, (_, i) => i * 64 + list))
  const { readPage, read } = pagesOf(lists)
  expect(await lowestScores(64, 100, readPage)).toHaveLength(100)
  expect(read()).toBeLessThan(400)
})
