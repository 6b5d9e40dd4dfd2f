import { expect, it } from 'vitest'
import { inParallel } from '../../src/kernel/in-parallel.ts'

/** Work that ends when the test says so. */
class Works {
  readonly begun: string[] = []
  readonly #ends = new Map<string, { readonly resolve: () => void; readonly reject: (error: Error) => void }>()

  readonly do = (item: string): Promise<void> => {
    this.begun.push(item)
    return new Promise((resolve, reject) => this.#ends.set(item, { resolve, reject }))
  }

  /** Resolves when whatever waited for it has gone on. */
  async end(item: string, failure?: Error): Promise<void> {
    const { resolve, reject } = this.#ends.get(item)!
    if (failure === undefined) resolve()
    else reject(failure)
    await new Promise(setImmediate)
  }
}

it('does as many at a time as it may, each once, and resolves after the last', async () => {
  const works = new Works()
  let isDone = false
  const all = inParallel(['a', 'b', 'c'], 2, works.do).then(() => {
    isDone = true
  })
  expect(works.begun).toEqual(['a', 'b'])
  await works.end('b')
  expect(works.begun).toEqual(['a', 'b', 'c'])
  await works.end('a')
  expect(isDone).toBe(false)
  await works.end('c')
  await all
})

it('begins no more after a failure, and rejects with it once nothing is under way', async () => {
  const works = new Works()
  const failure = new Error('no space')
  let rejected: unknown
  const all = inParallel(['a', 'b', 'c'], 2, works.do).catch((error: unknown) => {
    rejected = error
  })
  await works.end('a', failure)
  expect(rejected).toBeUndefined()
  await works.end('b')
  await all
  expect(rejected).toBe(failure)
  expect(works.begun).toEqual(['a', 'b'])
})

it('has nothing to do for nothing', async () => {
  await inParallel([], 4, () => Promise.reject(new Error('nothing was to be done')))
})
