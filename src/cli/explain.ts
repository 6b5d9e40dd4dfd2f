/** Runs `thermocline explain`: prints which tier has which version of an entry. */
import { Command } from 'commander'
import type { MemoryStore } from '../store/memory-store.ts'
import { addOneEntryFlags, entryNamed, type OneEntryFlags } from './one-entry.ts'
import { addCommonOptions } from './store-options.ts'
import { lookIntoStore } from './work-on-store.ts'

type Explanation = Awaited<ReturnType<MemoryStore['entries']['explain']>>
type Placement = Explanation['hot']

export function explainCommand(): Command {
  return addOneEntryFlags(addCommonOptions(new Command('explain')))
    .description('Says which version of an entry hot and cold have, and what keeps it there.')
    .addHelpText('after', '\nWhat a backend has acknowledged within the last second may still be in its log alone.')
    .addHelpText('after', '\nExample:\n  thermocline explain --namespace tenant/acme --key intro')
    .action(run)
}

async function run(id: string | undefined, flags: OneEntryFlags): Promise<void> {
  await lookIntoStore(flags, async (store, signal) => {
    const { entries, id: named } = entryNamed(store, id, flags)
    const explanation = await entries.explain(named, { signal })
    console.log(flags.json ? JSON.stringify({ id: named, ...explanation }) : describe(named, explanation))
  })
}

function describe(id: string, { hot, cold, pinned, failures }: Explanation): string {
  const away = new Map(failures.map(({ details, message }) => [details.tier, message]))
  const line = (tier: 'hot' | 'cold', placement: Placement): string =>
    `  ${tier.padEnd(5)} ${away.get(tier) ?? describePlacement(placement)}`
  return [
    id,
    line('hot', hot),
    line('cold', cold),
    ...(pinned ? ['  pinned: it stays in hot while it lives'] : []),
  ].join('\n')
}

function describePlacement(placement: Placement): string {
  if (placement === undefined) return 'has nothing of it'
  const { version, deleted, expired } = placement
  return `has version ${version}${deleted ? ', which deleted it' : expired ? ', which has expired' : ''}`
}
