/**
 * Runs `thermocline logs`: prints from which logs the database expects records, and which others are in the folder;
 * `logs retire` ends one whose disk is gone.
 */
import { Command } from 'commander'
import { listLogs } from '../admin/list-logs.ts'
import { type LogLoss, retireLostLog } from '../admin/retire-log.ts'
import { recordsIn } from '../errors.ts'
import type { LogStanding } from '../store/log-standings.ts'
import { EXIT } from './exit-code.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions } from './store-options.ts'
import { commandLogger } from './terminal-logger.ts'

interface LogsFlags extends CommonFlags {
  readonly json?: true
}

interface RetireFlags extends LogsFlags {
  readonly acceptLoss?: true
}

const NEEDS = { folder: 'if-embedded' } as const

export function logsCommand(): Command {
  return addCommonOptions(new Command('logs'))
    .description(
      'Lists every log that is registered or in the data folder: where it is, since when it is silent, what it owes.',
    )
    .option('--json', 'report as JSON')
    .addHelpText('after', '\nExample:\n  thermocline logs --json')
    .action(list)
    .addCommand(retireCommand())
}

function retireCommand(): Command {
  return new Command('retire')
    .description('Ends a log whose disk is gone, and records what is lost with it.')
    .argument('<id>', 'the log, as `thermocline logs` names it')
    .option('--accept-loss', 'do it: whatever only that disk had is lost')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      '\nExits 3 and changes nothing without --accept-loss. A log that was heard of within two minutes is not ended, nor\n' +
        'one whose files are in the data folder: `thermocline recover` ships those.',
    )
    .addHelpText('after', '\nExample:\n  thermocline logs retire 0199d6f2-5a5e-7b1c-9c41-7a3f2f0f6c11 --accept-loss')
    .action((id: string, _: unknown, command: Command) => retire(id, command.optsWithGlobals<RetireFlags>()))
}

async function list(flags: LogsFlags): Promise<void> {
  const options = await readStoreOptions(flags, NEEDS)
  const logs = await listLogs({ ...options, logger: commandLogger(flags) })
  console.log(flags.json ? JSON.stringify({ dir: options.dir, logs }) : describeStandings(logs, options.dir))
}

async function retire(id: string, flags: RetireFlags): Promise<void> {
  const options = await readStoreOptions(flags, NEEDS)
  const acceptLoss = flags.acceptLoss === true
  const loss = await retireLostLog({ ...options, logger: commandLogger(flags) }, id, { acceptLoss })
  if (!acceptLoss) return refuse(loss)
  const { walId, epoch } = loss.log
  if (flags.json) console.log(JSON.stringify({ walId, epoch, lost: [loss.lost] }))
  else
    console.log(
      `log ${walId} is ended: its ${recordsIn(loss.lost)}, if there are any, are given up, ` +
        'which is recorded in the table thermocline.accepted_losses',
    )
}

/** Whether it has records that the database lacks, only its disk knows. */
function refuse({ log: { walId, place, heartbeatAgeMs }, lost }: LogLoss): void {
  process.stderr.write(
    `thermocline: nothing was changed: log ${walId}${place === undefined ? '' : ` (${place})`} was last heard of ` +
      `${describeAge(heartbeatAgeMs)}, and its ${recordsIn(lost)}, if there are any, would be lost: bring its disk ` +
      'back and run `thermocline recover` there, or give them up by --accept-loss\n',
  )
  process.exitCode = EXIT.damaged
}

/** Nobody can tell whether some other folder has a log of which the database does not know. */
function describeStandings(logs: readonly LogStanding[], dir: string): string {
  if (logs.length === 0)
    return `no log is registered, and none is in ${dir}: the database has everything that was acknowledged there`
  return logs.map((log) => describeLog(log).join('\n')).join('\n')
}

function describeLog(log: LogStanding): string[] {
  const { walId, epoch, place, sequence, heartbeatAgeMs, isRegistered } = log
  const age = describeAge(heartbeatAgeMs)
  return [
    `log ${walId}, epoch ${epoch}, ${isRegistered ? `last sign of life ${age}` : `begun ${age}`}`,
    `  at ${place ?? 'a place that its owner did not name'}`,
    isRegistered
      ? `  the database has it up to record ${sequence}; it owes ${describeDebt(log)}`
      : `  unknown to the database${describeOwner(log)}; it owes ${describeDebt(log)}`,
  ]
}

/** What the database does not know of, people have to see to. */
function describeOwner({ isOwned, owed }: LogStanding): string {
  if (isOwned) return ', and a process that lives has it'
  return owed === 0 ? '' : ': open the store in its folder, or run `thermocline recover` there'
}

function describeDebt({ isHere, owed, isDamaged, place }: LogStanding): string {
  if (!isHere) return `what nobody can tell here: its files are ${place === undefined ? 'elsewhere' : `on ${place}`}`
  const writes = owed === 1 ? '1 write' : `${owed} writes`
  return isDamaged ? `at most ${writes}, and is damaged: \`thermocline recover\` tells what of it is missing` : writes
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

function describeAge(millis: number): string {
  const [unit, size] = UNITS.find((each) => millis >= each[1]) ?? UNITS[3]
  const count = Math.floor(millis / size)
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`
}
