/** Runs `thermocline inspect`: prints what the logs of a folder hold, without changing anything. */
import { Command } from 'commander'
import { inspectStore, type ScanReport } from '../admin/inspect-store.ts'
import { isEmptyRange, recordsIn, type SequenceRange } from '../errors.ts'
import { EXIT } from './exit-code.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions } from './store-options.ts'

interface InspectFlags extends CommonFlags {
  readonly json?: true
}

export function inspectCommand(): Command {
  return addCommonOptions(new Command('inspect'))
    .description('Looks at the logs of a data folder and changes nothing; its owner may go on writing.')
    .option('--json', 'report as JSON')
    .addHelpText('after', '\nExits 3 when a log is damaged.')
    .addHelpText('after', '\nExample:\n  thermocline inspect --dir /var/lib/app/thermocline --json')
    .action(async (flags: InspectFlags) => {
      const { dir } = await readStoreOptions(flags)
      const logs = await inspectStore(dir)
      console.log(flags.json ? JSON.stringify({ dir, logs }) : describeScans(logs))
      if (logs.some(({ damage }) => damage.length > 0)) refuse()
    })
}

function refuse(): void {
  process.stderr.write(
    'thermocline: a log is damaged: restore its files from a copy, or see by `thermocline recover` what of it the database lacks (ERR_WAL_CORRUPT)\n',
  )
  process.exitCode = EXIT.damaged
}

function describeScans(logs: readonly ScanReport[]): string {
  if (logs.length === 0) return 'no logs in this folder'
  return logs.map((log) => describeLog(log).join('\n')).join('\n')
}

function describeLog(log: ScanReport): string[] {
  const { walId, epoch, firstSequence, lastSequence, puts, deletes, bundles, mark, tornTail, damage } = log
  const lines = [
    `log ${walId}, epoch ${epoch}, records ${firstSequence} to ${lastSequence}: ` +
      `${puts} puts, ${deletes} deletes, ${bundles === 0 ? '' : `${bundles} bundles of both, `}${log.controls} others`,
  ]
  for (const segment of log.segments)
    lines.push(
      `  segment ${segment.number} (${segment.file}), epoch ${segment.epoch}, ` +
        `records ${segment.firstSequence} to ${segment.lastSequence}, ${segment.bytes} bytes${segment.sealed ? ', sealed' : ''}`,
    )
  if (mark !== undefined)
    lines.push(`  durable up to record ${mark.sequence}: segment ${mark.segment}, offset ${mark.offset}`)
  else if (puts + deletes + bundles > 0)
    lines.push('  no durable mark: its file is gone, and nothing else tells whether the end of the log is missing')
  if (tornTail !== undefined)
    lines.push(
      `  torn tail at offset ${tornTail.offset} of segment ${tornTail.segment}: ${tornTail.bytes} bytes that ` +
        `${tornTail.ambiguous ? 'may have been' : 'were never'} acknowledged`,
    )
  for (const { segment, offset, reason, missing } of damage)
    lines.push(`  damaged in segment ${segment} at offset ${offset}: ${reason}${describeMissing(missing)}`)
  if (damage.length === 0) lines.push('  no damage')
  return lines
}

function describeMissing(missing: SequenceRange): string {
  if (isEmptyRange(missing)) return ''
  return `; ${recordsIn(missing)} ${missing.from === missing.to ? 'is' : 'are'} not in the log`
}
