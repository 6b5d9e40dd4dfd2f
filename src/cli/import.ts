/** Runs `thermocline import FILE`: writes the entries of an archive into a store, or into a namespace of it. */
import { resolve } from 'node:path'
import { Command, Option } from 'commander'
import type { Imported } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { type ArchiveFlags, STREAM, workOnPart } from './archives.ts'
import { EntryProgress } from './entry-progress.ts'
import { addCommonOptions } from './store-options.ts'

type OnConflict = NonNullable<Parameters<MemoryStore['import']>[0]['onConflict']>

interface ImportFlags extends ArchiveFlags {
  readonly onConflict: OnConflict
  readonly dryRun?: true
}

const CHOICES = ['fail', 'skip', 'newer', 'overwrite'] as const satisfies readonly OnConflict[]
/** As that of the call. */
const DEFAULT: OnConflict = 'fail'
const STEPS = { verify: 'verified', write: 'imported' } as const

export function importCommand(): Command {
  return addCommonOptions(new Command('import'))
    .description('Verifies an archive, and writes its entries into the store. What is there already is left.')
    .argument('<file>', 'what `thermocline export` wrote, compressed or not; - is stdin')
    .option('--namespace <path>', 'into this namespace, in place of the one that was exported')
    .addOption(
      new Option('--on-conflict <what>', 'what becomes of an entry that is there with other content')
        .choices(CHOICES)
        .default(DEFAULT),
    )
    .option('--dry-run', 'verify, count what would be written, and write nothing')
    .option('--json', 'report as JSON')
    .addHelpText(
      'after',
      '\nIt may be interrupted, or killed, and run again: it goes on. Nothing is written where the archive is\n' +
        'damaged (exit code 3). An embedded database has to be closed by its backend first; on Redis and Postgres\n' +
        'it runs beside the backends. A store that is not there yet is made by `thermocline migrate`.',
    )
    .addHelpText('after', '\nExample:\n  thermocline import --dir /var/lib/app/thermocline backup.ndjson.gz')
    .action(run)
}

async function run(file: string, flags: ImportFlags): Promise<void> {
  const from = file === STREAM ? process.stdin : resolve(file)
  const { onConflict, dryRun = false } = flags
  const bars = new EntryProgress()
  await workOnPart(
    flags,
    async (part, signal) => {
      const imported = await part
        .import({
          from,
          onConflict,
          dryRun,
          signal,
          onProgress: ({ step, ...progress }) => bars.show(STEPS[step], progress),
        })
        .finally(() => bars.finish())
      console.log(flags.json ? JSON.stringify({ file, dryRun, ...imported }) : describe(imported, dryRun))
    },
    ({ details: { imported } }) =>
      `interrupted: ${imported?.written ?? 0} entries were written, or a few more; run it again to go on`,
  )
}

function describe({ entries, written, unchanged, skipped, expired }: Imported, dryRun: boolean): string {
  return (
    `${dryRun ? 'verified' : 'imported'} ${entries} entries: ${written} ${dryRun ? 'would be ' : ''}written, ` +
    `${unchanged} there already, ${skipped} skipped, ${expired} expired`
  )
}
