/**
 * Loads fast-check, an optional package: whoever runs vitest has that, and learns here that this one is needed as well.
 * Nothing else of the testkit imports its values. Importing this rejects with `ERR_UNSUPPORTED` where it is not
 * installed.
 */
import type fastCheck from 'fast-check'
import { missingPackages } from '../errors.ts'

export const fc = await load()

async function load(): Promise<typeof fastCheck> {
  try {
    return (await import('fast-check')).default
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw missingPackages('`thermocline/testkit`', ['fast-check'], { cause })
  }
}
