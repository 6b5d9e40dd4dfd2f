/** A backend in a process of its own, asked line by line. */

import type { MemoryStoreOptions } from '../../src/index.ts'
import { Child } from '../wal/child.ts'
import type { LoadedBackend } from './load.ts'

interface Settlers {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
}

export class RemoteBackend implements LoadedBackend {
  readonly #child: Child
  readonly #waiting = new Map<number, Settlers>()
  #count = 0

  private constructor(child: Child) {
    this.#child = child
  }

  static async start(options: MemoryStoreOptions): Promise<RemoteBackend> {
    const child = new Child('../servers/backend-child.ts', [JSON.stringify(options)])
    const backend = new RemoteBackend(child)
    if ((await child.line()) !== 'open') throw new Error('the backend did not open')
    void backend.#listen()
    return backend
  }

  put(key: string, text: string): ReturnType<LoadedBackend['put']> {
    return this.#ask('put', key, text)
  }

  delete(id: string): ReturnType<LoadedBackend['delete']> {
    return this.#ask('delete', id)
  }

  async get(id: string): ReturnType<LoadedBackend['get']> {
    return (await this.#ask<Awaited<ReturnType<LoadedBackend['get']>> | null>('get', id)) ?? undefined
  }

  /** Ships everything to cold. */
  async drain(): Promise<void> {
    await this.#ask('drain')
  }

  async kill(): Promise<void> {
    await this.#child.kill()
  }

  #ask<T>(...request: string[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const call = ++this.#count
      this.#waiting.set(call, { resolve, reject })
      this.#child.process.stdin!.write(`${JSON.stringify([call, ...request])}\n`)
    })
  }

  async #listen(): Promise<void> {
    for (let line = await this.#child.line(); line !== undefined; line = await this.#child.line()) {
      const [call, answer, error] = JSON.parse(line) as [number, never, string | undefined]
      const settlers = this.#waiting.get(call)!
      this.#waiting.delete(call)
      if (error === undefined) settlers.resolve(answer)
      else settlers.reject(new Error(error))
    }
    for (const { reject } of this.#waiting.values()) reject(new Error('the backend is gone'))
  }
}
