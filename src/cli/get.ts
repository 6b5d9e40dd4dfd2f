/** Runs `thermocline get`: prints an entry. */
import { Command } from 'commander'
import { notFound } from '../errors.ts'
import { entryLines } from './entry-lines.ts'
import { addOneEntryFlags, entryNamed, type OneEntryFlags } from './one-entry.ts'
import { addCommonOptions } from './store-options.ts'
import { lookIntoStore } from './work-on-store.ts'

export function getCommand(): Command {
  return addOneEntryFlags(addCommonOptions(new Command('get')))
    .description('Prints an entry as a backend would read it now, and leaves no trace of that.')
    .addHelpText('after', '\nExits 1 where there is none.')
    .addHelpText('after', '\nExample:\n  thermocline get --namespace tenant/acme --key intro --json')
    .action(run)
}

async function run(id: string | undefined, flags: OneEntryFlags): Promise<void> {
  await lookIntoStore(flags, async (store, signal) => {
    const { entries, id: named } = entryNamed(store, id, flags)
    const entry = await entries.peek(named, { signal })
    if (entry === undefined) throw notFound({ id: named })
    console.log(flags.json ? JSON.stringify(entry) : entryLines(entry))
  })
}
