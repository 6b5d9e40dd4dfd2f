/** Runs `thermocline search`: lists the entries whose text fits best. */
import { Command } from 'commander'
import { entryLine, LISTED } from './entry-lines.ts'
import { addQueryFlags, positive, type QueryFlags, queriedPart } from './query-flags.ts'
import { addCommonOptions } from './store-options.ts'
import { tellWhere } from './where-flag.ts'
import { lookIntoStore } from './work-on-store.ts'

interface SearchFlags extends QueryFlags {
  readonly k: number
}

export function searchCommand(): Command {
  return addQueryFlags(addCommonOptions(new Command('search')))
    .description('Searches texts and summaries for words, the best first: quotes, `or` and - as on the web.')
    .argument('<text>', 'what to look for')
    .option('--k <count>', 'how many', positive('--k'), 10)
    .option('--json', 'report as JSON, with every field')
    .addHelpText('after', `\nExample:\n  thermocline search '"write-ahead log" -redis' --namespace tenant/acme`)
    .action(run)
}

async function run(text: string, flags: SearchFlags): Promise<void> {
  await lookIntoStore(flags, async (store, signal) => {
    const { where, k, json } = flags
    const { entries, recursive } = queriedPart(store, flags)
    const query = { text, k, where, recursive, signal, countAccess: false }
    if (json) return console.log(JSON.stringify(await entries.search(query).catch(tellWhere)))
    const { hits } = await entries.search({ ...query, select: LISTED }).catch(tellWhere)
    for (const { score, entry } of hits) console.log(`${score.toFixed(3)}  ${entryLine(entry)}`)
  })
}
