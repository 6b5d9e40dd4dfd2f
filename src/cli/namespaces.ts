/** Runs `thermocline namespaces`: lists namespaces with how many entries each has. */
import { Command } from 'commander'
import type { MemoryStore } from '../store/memory-store.ts'
import { positive } from './query-flags.ts'
import { addCommonOptions, type CommonFlags } from './store-options.ts'
import { lookIntoStore, namespaceNamed } from './work-on-store.ts'

interface NamespacesFlags extends CommonFlags {
  readonly namespace?: string
  readonly depth?: number
  readonly limit: number
  readonly cursor?: string
  readonly json?: true
}

export function namespacesCommand(): Command {
  return addCommonOptions(new Command('namespaces'))
    .description('Lists the namespaces that have entries, and how many each has.')
    .option('--namespace <path>', 'only those below this one, as tenant')
    .option('--depth <count>', 'at most so many segments: deeper ones count with the one above', positive('--depth'))
    .option('--limit <count>', 'namespaces of a page', positive('--limit'), 100)
    .option('--cursor <cursor>', 'the next page: what the one before said')
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
    if (page.nextCursor !== undefined) process.stderr.write(`there is more: --cursor ${page.nextCursor}\n`)
  })
}
