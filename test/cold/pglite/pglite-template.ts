import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ColdTier } from '../../../src/cold/cold-tier.ts'
import type { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { openPgliteCold, type PgliteColdOptions } from '../../../src/cold/pglite/pglite-driver.ts'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { lendDatabase } from '../../tools/lent-database.ts'
import { sharedTemplate } from '../../tools/shared-template.ts'

export const OPTIONS: Omit<PgliteColdOptions, 'dir'> = {
  dimensions: [],
  metrics: [],
  migrate: 'auto',
  timeout: 60_000,
  logger: silentLogger,
}

/** Opens a tier in an empty database that is lent. */
export function openLent(options: Partial<PgliteColdOptions> = {}): Promise<ColdTier> {
  return openPgliteCold({ ...OPTIONS, ...options, dir: undefined }, lendDatabase())
}

/** Opens a tier in a database that stays when the tier is closed. */
export function openIn(database: PgliteClient, options: Partial<PgliteColdOptions> = {}): Promise<ColdTier> {
  const staying = new Proxy(database, {
    get(client, name: keyof PgliteClient) {
      if (name === 'close') return async () => {}
      const member: unknown = client[name]
      return typeof member === 'function' ? member.bind(client) : member
    },
  })
  return openPgliteCold({ ...OPTIONS, ...options, dir: undefined }, Promise.resolve(staying))
}

/** Hands out copies of one migrated folder: making a database takes seconds, copying one does not. */
export class PgliteTemplate {
  #root: string | undefined
  #template: string | undefined
  #copies = 0

  async make(): Promise<void> {
    this.#root = await mkdtemp(join(tmpdir(), 'thermocline-cold-'))
    this.#template = await sharedTemplate('cold', async (dir) => (await openPgliteCold({ ...OPTIONS, dir })).close())
  }

  path(name: string): string {
    return join(this.#root!, name)
  }

  async copy(): Promise<string> {
    const dir = this.path(`copy-${++this.#copies}`)
    await cp(this.#template!, dir, { recursive: true })
    return dir
  }

  async open(options: Partial<PgliteColdOptions> = {}): Promise<ColdTier> {
    return openPgliteCold({ ...OPTIONS, dir: await this.copy(), ...options })
  }

  async remove(): Promise<void> {
    if (this.#root !== undefined) await rm(this.#root, { recursive: true, force: true })
  }
}
