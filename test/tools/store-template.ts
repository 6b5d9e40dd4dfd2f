/** Hands out copies of one data folder, as of one run: making its database takes seconds, copying it does not. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openMemoryStore } from '../../src/index.ts'
import { sharedTemplate } from './shared-template.ts'

export class StoreTemplate {
  #root: string | undefined
  #template: string | undefined
  #copies = 0

  async make(): Promise<void> {
    this.#root = await mkdtemp(join(tmpdir(), 'thermocline-template-'))
    this.#template = await sharedTemplate('store', async (dir) => void (await (await openMemoryStore({ dir })).close()))
  }

  /** An empty store's folder, closed in good order; it goes with the others. */
  async copy(): Promise<string> {
    const dir = join(this.#root!, `copy-${++this.#copies}`)
    await copyFolder(this.#template!, dir)
    return dir
  }

  async remove(): Promise<void> {
    if (this.#root !== undefined) await rm(this.#root, { recursive: true, force: true })
  }
}

/** Without the locks of whoever has it open. */
export function copyFolder(from: string, to: string): Promise<void> {
  return cp(from, to, { recursive: true, filter: (path) => !/[/\\]lock([/\\]|$)/.test(path) })
}
