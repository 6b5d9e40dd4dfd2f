/** Reads which entry a command is about: `ID`, or `--key`, of a `--namespace`. */
import type { Command } from 'commander'
import { isThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { UsageError } from './exit-code.ts'
import type { CommonFlags } from './store-options.ts'
import { namespaceNamed } from './work-on-store.ts'

export interface OneEntryFlags extends CommonFlags {
  readonly namespace: string
  readonly key?: string
  readonly json?: true
}

export function addOneEntryFlags(command: Command): Command {
  return command
    .argument('[id]', 'which entry; else --key names it')
    .requiredOption('--namespace <path>', 'the namespace that it is in, as tenant/acme')
    .option('--key <key>', 'the entry by its key')
    .option('--json', 'report as JSON')
}

export function entryNamed(store: MemoryStore, id: string | undefined, { namespace, key }: OneEntryFlags) {
  const { entries } = namespaceNamed(store, namespace)
  if ((id === undefined) === (key === undefined)) throw new UsageError('name one entry: ID or --key')
  try {
    return { entries, id: id ?? entries.idOf(key!) }
  } catch (error) {
    if (!isThermoclineError(error, 'ERR_INVALID_ENTRY')) throw error
    throw new UsageError(`--key: ${error.message}`)
  }
}
