/** Runs `thermocline namespaces`: lists namespaces with how many entries each has. */
import { Command } from 'commander'
import type { MemoryStore } from '../store/memory-store.ts'
import { addPageFlags, type PageFlags, positive, tellNext } from './query-flags.ts'
import { addCommonOptions, type CommonFlags } from './store-options.ts'
import { lookIntoStore, namespaceNamed } from './work-on-store.ts'

interface NamespacesFlags extends CommonFlags, PageFlags {
  readonly namespace?: string
  readonly depth?: number
  readonly json?: true
}

export function namespacesCommand(): Command {
  return addPageFlags(addCommonOptions(new Command('namespaces')), 'namespaces', 100)
    .description('Lists the namespaces that have entries, and how many each has.')
    .option('--namespace <path>', 'only this one and those below, as tenant')
    .option('--depth <count>', 'at most so many segments: deeper ones count with the one above', positive('--depth'))
    .option('--json', 'report as JSON')
    .addHelpText('after', '\nExample:\n  thermocline namespaces --namespace tenant --depth 2')
    .action(run)
}

async function run(flags: NamespacesFlags): Promise<void> {
  await lookIntoStore(flags, async (store, signal) => {
    const { namespace, depth, limit, cursor, json } = flags
    const part: Pick<MemoryStore, 'namespaces'> = namespace === undefined ? store : namespaceNamed(store, namespace)
    const page = await part.namespaces({ depth, limit, cursor, signal })
    if (json) return console.log(JSON.stringify(page))
    for (const { namespace, count } of page.items) console.log(`${String(count).padStart(9)}  ${namespace}`)
    tellNext(page)
  })
}
