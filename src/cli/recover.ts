/** Runs `thermocline recover`: after a machine died, ships what its logs hold and prints what was found. */

import { join } from 'node:path'
import { Command } from 'commander'
import { type LogRecovery, type LostRange, type RecoveredLog, recoverStore } from '../admin/recover-store.ts'
import { recordsIn } from '../errors.ts'
import { isUnfinished, UNFINISHED_RECOVERY, type UnfinishedRecovery } from './exit-code.ts'
import { RecoverProgressBars } from './recover-progress.ts'
import { listenForInterrupt } from './signals.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions } from './store-options.ts'
import { commandLogger } from './terminal-logger.ts'

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
      '\nExits 3 while a log that lost records is not accepted, 4 where one belongs to a living process, 1 where\n' +
        'a signal ended it early, or the disk has no room to end a log that was shipped. Running it twice is\n' +
        'running it once: it may be interrupted, or killed, and run again.',
    )
    .addHelpText('after', '\nExample:\n  thermocline recover --dir /var/lib/app/thermocline')
    .action(async (flags: RecoverFlags) => {
      const options = await readStoreOptions(flags)
      const bars = new RecoverProgressBars()
      const recoveries = await recoverStore(
        { ...options, logger: commandLogger(flags) },
        {
          acceptLoss: flags.acceptLoss === true,
          signal: listenForInterrupt(),
          onProgress: (progress) => bars.show(progress),
        },
      ).finally(() => bars.finish())
      console.log(flags.json ? JSON.stringify({ logs: recoveries }) : describeRecoveries(recoveries))
      for (const { outcome, reason } of UNFINISHED) {
        if (!recoveries.some((recovery) => recovery.outcome === outcome && isUnfinished(recovery))) continue
        process.stderr.write(`thermocline: ${reason}\n`)
        process.exitCode ??= UNFINISHED_RECOVERY[outcome]
      }
    })
}

/** Returns why there is still something to do, the most pressing reason first. */
const UNFINISHED: readonly { outcome: UnfinishedRecovery; reason: string }[] = [
  {
    outcome: 'kept',
    reason:
      'a log lost acknowledged records, and the store does not open while it is there: restore its files from a copy ' +
      'and run this again, or go on without them by --accept-loss (ERR_WAL_CORRUPT)',
  },
  {
    outcome: 'missing',
    reason:
      'the folder of a log is gone, and the store does not open without it: restore it from a copy and run this again, ' +
      'or go on without it by --accept-loss (ERR_WAL_CORRUPT)',
  },
  {
    outcome: 'shipped',
    reason:
      'a log is in the database to its last record, and stays all the same, for its disk is full: make room there, ' +
      'and run this again to end it',
  },
  {
    outcome: 'interrupted',
    reason: 'interrupted: what was shipped is safe in the database; run this again to go on',
  },
  {
    outcome: 'locked',
    reason:
      'a log belongs to a living process, which ships it itself: leave it alone, or stop that process and run this again (ERR_LOCKED)',
  },
]

function describeRecoveries(recoveries: readonly LogRecovery[]): string {
  if (recoveries.length === 0) return 'no log was left behind: there is nothing to ship'
  return recoveries.map((recovery) => describeLog(recovery).join('\n')).join('\n')
}

function describeLog(recovery: LogRecovery): string[] {
  const { walId, outcome } = recovery
  if (outcome === 'locked') {
    const owner = recovery.pid === undefined ? 'another process' : `process ${recovery.pid}`
    return [`log ${walId}: ${owner} has it open, so it was left alone`]
  }
  if (outcome === 'interrupted')
    return [`log ${walId}: interrupted after ${recovery.shipped} records were shipped; the rest is still in it`]
  if (outcome === 'missing')
    return [
      `log ${walId}: its folder ${recovery.path} is gone`,
      ...recovery.lost.map((range) => `  lost: ${describeRange(range)}; of those before, the database has every one`),
      ...(recovery.isAccepted ? ['  the loss is recorded in the table thermocline.accepted_losses'] : []),
    ]
  return [
    `log ${walId}: ${describeRecords(recovery)}`,
    ...describeFindings(recovery).map((line) => `  ${line}`),
    ...describeOutcome(recovery).map((line) => `  ${line}`),
  ]
}

function describeRecords({ records, shipped, alreadyInCold, replaced }: RecoveredLog): string {
  const counts = `${records} records, ${shipped} shipped, ${alreadyInCold} already in the database`
  return replaced === 0 ? counts : `${counts}, ${replaced} replaced by later ones`
}

function describeFindings({ path, rejected, tornTail, damage, lost }: RecoveredLog): string[] {
  const lines: string[] = []
  if (rejected > 0) lines.push(`${rejected} refused by the database: they are in its table thermocline.dead_letters`)
  if (tornTail !== undefined) {
    const what = tornTail.ambiguous ? 'a write that may have been' : 'a write that was never'
    lines.push(`torn tail of ${tornTail.bytes} bytes dropped: ${what} acknowledged`)
    if (tornTail.ambiguous)
      lines.push('(damage to the last writes, after a power cut or with the durable mark gone, looks the same)')
  }
  for (const { file, offset, reason } of damage)
    lines.push(file === undefined ? `damaged: ${reason}` : `damaged: ${join(path, file)}, byte ${offset}: ${reason}`)
  for (const range of lost) lines.push(`lost: ${describeRange(range)}${describeTime(range)}`)
  if (damage.length > 0 && lost.length === 0)
    lines.push('nothing is lost: the database has every record that the damage hit')
  return lines
}

function describeRange(range: LostRange): string {
  return range.to === undefined ? `whatever was acknowledged from record ${range.from} on` : recordsIn(range)
}

function describeTime({ writtenAfter, writtenBefore }: LostRange): string {
  if (writtenAfter !== undefined && writtenBefore !== undefined)
    return `, written between ${writtenAfter} and ${writtenBefore}`
  if (writtenAfter !== undefined) return `, written after ${writtenAfter}`
  return writtenBefore === undefined ? '' : `, written before ${writtenBefore}`
}

function describeOutcome({ outcome, path, lost, movedTo }: RecoveredLog): string[] {
  switch (outcome) {
    case 'retired':
      return ['all of it is in the database: the log is done with, and its files are gone']
    case 'shipped':
      return ['all of it is in the database; its files stay until the disk has room to end it']
    case 'quarantined':
      return [
        'everything that verifies is in the database, and the store opens again',
        ...(lost.length > 0 ? ['the loss is recorded in its table thermocline.accepted_losses'] : []),
        `its files were moved to ${movedTo}: delete them when nobody needs them any more`,
      ]
    case 'kept':
      return [
        'everything that verifies is in the database; the files of the log stay as they are',
        `either put intact copies of the damaged or missing files into ${path} and run this again: nothing is lost then`,
        'or run this again with --accept-loss: it moves the log to quarantine/, and the store opens without what is lost',
      ]
  }
}
