/** Runs `thermocline export FILE`: writes a store, or a namespace and those below, into an archive. */
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { Command } from 'commander'
import type { MemoryStore } from '../store/memory-store.ts'
import { type ArchiveFlags, STREAM, workOnPart } from './archives.ts'
import { EntryProgress } from './entry-progress.ts'
import { stdoutForWhole } from './stdout.ts'
import { addCommonOptions } from './store-options.ts'
import { parseWhere, tellWhere, type Where } from './where-flag.ts'

type Exported = Awaited<ReturnType<MemoryStore['export']>>

interface ExportFlags extends ArchiveFlags {
  readonly where?: Where | undefined
}

export function exportCommand(): Command {
  return addCommonOptions(new Command('export'))
    .description(
      'Writes all entries, or those of a namespace and below, into an archive: a backup, or what moves elsewhere.',
    )
    .argument('<file>', 'where to; compressed where it ends in .gz; - is stdout, and the answer goes to stderr then')
    .option('--namespace <path>', 'only this namespace and those below, as tenant/acme')
    .option('--where <json>', 'only what this selects, as in `find`; times are ISO texts or milliseconds', parseWhere)
    .option('--json', 'report as JSON')
    .addHelpText(
      'after',
      '\nIt shows one moment, and the file is there only when it is whole. What a killed export\n' +
        'left beside it (FILE.partial-…) the next one removes. An embedded database has to be closed by its backend\n' +
        'first; on Redis and Postgres it runs beside the backends, and needs a data folder of its own or makes one.',
    )
    .addHelpText('after', '\nExample:\n  thermocline export --dir /var/lib/app/thermocline backup.ndjson.gz')
    .action(run)
}

async function run(file: string, flags: ExportFlags): Promise<void> {
  const to = file === STREAM ? stdoutForWhole() : resolve(file)
  const bars = new EntryProgress()
  const interrupted = () => 'interrupted: there is no archive; run it again'
  await workOnPart(
    flags,
    async (part, signal) => {
      const { where } = flags
      const onProgress = (progress: Parameters<EntryProgress['show']>[1]) => bars.show('exported', progress)
      const exporting = part.export({ to, where, signal, onProgress }).finally(() => bars.finish())
      report(file, to, flags, await exporting.catch(tellWhere))
    },
    interrupted,
  )
}

function report(file: string, to: string | Writable, { json }: ExportFlags, exported: Exported): void {
  const { entries, bytes, exportedAt } = exported
  const text = json
    ? JSON.stringify({ file, ...exported })
    : `exported ${entries} entries, ${bytes} bytes, as of ${exportedAt.toISOString()}`
  const output = typeof to === 'string' ? process.stdout : process.stderr
  output.write(`${text}\n`)
}
