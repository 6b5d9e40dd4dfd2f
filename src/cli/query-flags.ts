/**
 * Reads which entries a command queries: those of a `--namespace`, or of the whole store, that `--where` selects; and
 * which page of them it prints.
 */
import { type Command, InvalidArgumentError } from 'commander'
import type { MemoryStore } from '../store/memory-store.ts'
import type { CommonFlags } from './store-options.ts'
import { parseWhere, type Where } from './where-flag.ts'
import { namespaceNamed } from './work-on-store.ts'

export interface QueryFlags extends CommonFlags {
  readonly namespace?: string
  readonly recursive?: true
  readonly where?: Where | undefined
  readonly json?: true
}

export function addQueryFlags(command: Command): Command {
  return command
    .option('--namespace <path>', 'only this namespace, as tenant/acme; else the whole store')
    .option('--recursive', 'with --namespace: those below as well')
    .option('--where <json>', 'only what this selects, as in `find`; times are ISO texts or milliseconds', parseWhere)
}

interface QueriedPart {
  readonly entries: Pick<MemoryStore['entries'], 'find' | 'search'>
  readonly recursive: boolean
}

export function queriedPart(store: MemoryStore, { namespace, recursive }: QueryFlags): QueriedPart {
  if (namespace === undefined) return { entries: store.root.entries, recursive: true }
  return { entries: namespaceNamed(store, namespace).entries, recursive: recursive ?? false }
}

/** Flags of what is answered page by page. */
export interface PageFlags {
  readonly limit: number
  readonly cursor?: string
}

export function addPageFlags(command: Command, of: string, limit: number): Command {
  return command
    .option('--limit <count>', `${of} of a page`, positive('--limit'), limit)
    .option('--cursor <cursor>', 'the next page: what the one before said')
}

/** Says on stderr where the next page begins, if there is one. */
export function tellNext({ nextCursor }: { readonly nextCursor?: string }): void {
  if (nextCursor !== undefined) process.stderr.write(`there is more: --cursor ${nextCursor}\n`)
}

/** Parses a flag that is a whole number above 0. */
export function positive(flag: string): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (Number.isSafeInteger(number) && number > 0) return number
    throw new InvalidArgumentError(`${flag} is a whole number above 0.`)
  }
}
