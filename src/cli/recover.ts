/** `thermocline recover`: after a machine died, ships what its logs hold and says what was found. */
import { Command } from 'commander'
import type { SequenceRange } from '../errors.ts'
import { type LogRecovery, recoverStore } from '../recover-store.ts'
import { EXIT } from './exit-code.ts'
import { commandLogger } from './logger.ts'
import { RecoverProgressBars } from './recover-progress.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions } from './store-options.ts'

interface RecoverFlags extends CommonFlags {
  readonly acceptLoss?: true
  readonly json?: true
}

export function recoverCommand(): Command {
  return addCommonOptions(new Command('recover'))
    .description('Ships to the database what the logs of dead processes hold, and reports what each one held.')
    .option('--accept-loss', 'set damaged logs aside in quarantine/, so that the store opens without what they lost')
    .option('--json', 'report as JSON')
    .addHelpText(
      'after',
      '\nExits 3 while a log that lost records is not accepted. Running it twice is running it once.',
    )
    .addHelpText('after', '\nExample:\n  thermocline recover --dir /var/lib/app/thermocline')
    .action(async (flags: RecoverFlags) => {
      const options = await readStoreOptions(flags)
      const bars = new RecoverProgressBars()
      const recoveries = await recoverStore(
        { ...options, logger: commandLogger(flags) },
        { acceptLoss: flags.acceptLoss === true, onProgress: (progress) => bars.show(progress) },
      ).finally(() => bars.finish())
      console.log(flags.json ? JSON.stringify({ logs: recoveries }) : describe(recoveries))
      if (recoveries.some(({ outcome }) => outcome === 'kept')) refuse()
    })
}

function refuse(): void {
  process.stderr.write(
    'thermocline: a log lost acknowledged records: restore its files from a copy and run this again, ' +
      'or go on without them by --accept-loss (ERR_WAL_CORRUPT)\n',
  )
  process.exitCode = EXIT.damaged
}

function describe(recoveries: readonly LogRecovery[]): string {
  if (recoveries.length === 0) return 'no log was left behind: the database has everything'
  return recoveries.map((recovery) => describeLog(recovery).join('\n')).join('\n')
}

function describeLog(recovery: LogRecovery): string[] {
  const { walId, records, shipped, alreadyInCold, rejected, tornTail, damage, lost } = recovery
  const lines = [`log ${walId}: ${records} records, ${shipped} shipped, ${alreadyInCold} already in the database`]
  if (rejected > 0) lines.push(`  ${rejected} refused by the database: they are in its table thermocline.dead_letters`)
  if (tornTail !== undefined) {
    lines.push(`  torn tail of ${tornTail.bytes} bytes dropped: a write that was never acknowledged`)
    if (tornTail.ambiguous) lines.push('  (after a power cut, damage to the last writes would look the same)')
  }
  for (const { segment, offset, reason } of damage)
    lines.push(`  damaged in segment ${segment} at offset ${offset}: ${reason}`)
  if (damage.length > 0) lines.push(`  ${describeLoss(lost)}`)
  lines.push(`  ${describeOutcome(recovery)}`)
  return lines
}

function describeLoss(lost: readonly SequenceRange[]): string {
  if (lost.length === 0) return 'nothing is lost: the database has every record that the damage hit'
  return `lost: ${lost.map(describeRange).join(', ')}`
}

function describeRange({ from, to }: SequenceRange): string {
  if (to === undefined) return `records from ${from} on, as far as the log went`
  return from === to ? `record ${from}` : `records ${from} to ${to}`
}

function describeOutcome({ outcome, movedTo }: LogRecovery): string {
  switch (outcome) {
    case 'retired':
      return 'all of it is in the database: the log is done with'
    case 'quarantined':
      return `its files were moved to ${movedTo}`
    case 'kept':
      return 'its files stay as they are: everything that verifies is in the database'
  }
}
