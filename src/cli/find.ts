/** Runs `thermocline find`: lists what a condition selects, page by page. */
import { Command } from 'commander'
import { isThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { entryLine, LISTED } from './entry-lines.ts'
import { UsageError } from './exit-code.ts'
import { addPageFlags, addQueryFlags, type PageFlags, type QueryFlags, queriedPart, tellNext } from './query-flags.ts'
import { addCommonOptions } from './store-options.ts'
import { tellWhere } from './where-flag.ts'
import { lookIntoStore } from './work-on-store.ts'

type OrderBy = NonNullable<NonNullable<Parameters<MemoryStore['entries']['find']>[0]>['orderBy']>

interface FindFlags extends QueryFlags, PageFlags {
  readonly orderBy?: readonly string[]
}

export function findCommand(): Command {
  return addPageFlags(addQueryFlags(addCommonOptions(new Command('find'))), 'entries', 20)
    .description('Lists the entries that a condition selects, with where each is and how it begins.')
    .option('--order-by <field...>', 'as createdAt or metadata.rank:desc; the first counts most')
    .option('--json', 'report as JSON, with every field')
    .addHelpText('after', `\nExample:\n  thermocline find --namespace tenant/acme --where '{"kind":"chunk"}' --json`)
    .action(run)
}

async function run(flags: FindFlags): Promise<void> {
  await lookIntoStore(flags, async (store, signal) => {
    const { where, limit, cursor, json } = flags
    const { entries, recursive } = queriedPart(store, flags)
    const query = { where, limit, cursor, recursive, signal, ...(flags.orderBy && { orderBy: orderOf(flags.orderBy) }) }
    if (json) return console.log(JSON.stringify(await entries.find(query).catch(tellQuery)))
    const page = await entries.find({ ...query, select: LISTED }).catch(tellQuery)
    for (const item of page.items) console.log(entryLine(item))
    tellNext(page)
  })
}

/** What `find` says of the order and the page came from flags as well. */
function tellQuery(error: unknown): never {
  if (isThermoclineError(error, 'ERR_INVALID_QUERY') && /`(orderBy|cursor|limit)`/.test(error.message))
    throw new UsageError(error.message.replace('`orderBy`', '--order-by').replace(/`(cursor|limit)`/, '--$1'))
  return tellWhere(error)
}

/** Fields are checked by `find`: a program that misspells one is told the same. */
function orderOf(fields: readonly string[]): OrderBy {
  return fields.map((field) => {
    const [, name, direction] = /^(.*?)(?::(asc|desc))?$/.exec(field)!
    return { [name!]: direction ?? 'asc' }
  }) as OrderBy
}
