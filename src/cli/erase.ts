/** Runs `thermocline erase`: deletes entries for good, and prints which places may still hold something of them. */
import { Command, InvalidArgumentError, Option } from 'commander'
import { isThermoclineError, type ThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { confirm } from './confirm.ts'
import { describeError } from './describe-error.ts'
import { EntryProgress } from './entry-progress.ts'
import { EXIT, UsageError } from './exit-code.ts'
import { addCommonOptions, type CommonFlags } from './store-options.ts'
import { parseWhere, tellWhere, type Where } from './where-flag.ts'
import { namespaceNamed, workOnStore } from './work-on-store.ts'

type Entries = MemoryStore['entries']
type Erased = Awaited<ReturnType<Entries['erase']>>
type EraseOptions = NonNullable<Parameters<Entries['erase']>[1]>

interface EraseFlags extends CommonFlags {
  readonly namespace: string
  readonly id?: readonly string[]
  readonly key?: readonly string[]
  readonly where?: Where
  readonly recursive?: true
  readonly all?: true
  readonly dryRun?: true
  readonly vacuum?: true | 'full'
  readonly wait?: string
  readonly yes?: true
  readonly json?: true
}

export function eraseCommand(): Command {
  return addCommonOptions(new Command('erase'))
    .description('Deletes entries for good, removes every trace of them, and says what is left where.')
    .requiredOption('--namespace <path>', 'the namespace that they are in, as tenant/acme')
    .option('--id <id...>', 'entries by their ids, whether they are there or deleted already')
    .option('--key <key...>', 'entries by their keys, likewise')
    .option('--where <json>', 'what this selects, as in `find`; times are ISO texts or milliseconds', parseWhere)
    .option('--all', 'every entry of the namespace')
    .option('--recursive', 'with --where or --all: those of the namespaces below as well')
    .option('--dry-run', 'count what is live, or how many were named, and change nothing')
    .addOption(new Option('--vacuum [how]', 'vacuum the database; full writes its tables anew').choices(['full']))
    .option('--wait <duration>', 'how long to wait for other processes, 30s by default', parseWait)
    .option('--yes', 'do not ask; needed where stdin is no terminal')
    .option('--json', 'report as JSON')
    .addHelpText(
      'after',
      '\nExits 5 while a place that it was to clear may still have something, as the log of another process,\n' +
        'which is asked to let go of it. What is beyond its reach, as files of servers, it names with what to do\n' +
        'about it. It may be interrupted, or killed, and run again: it goes on. An embedded database has to be\n' +
        'closed by its backend first; on Redis and Postgres it runs beside the backends.',
    )
    .addHelpText('after', `\nExample:\n  thermocline erase --namespace tenant/acme --where '{"metadata.user":"ada"}'`)
    .action(run)
}

async function run(flags: EraseFlags): Promise<void> {
  const { dryRun = false, yes, vacuum, recursive, json } = flags
  refuseUnlessOneSelection(flags)
  if (!dryRun && !yes && !process.stdin.isTTY)
    throw new UsageError('what is erased is gone: pass --yes where nobody can be asked, or --dry-run to count')
  await workOnStore(
    flags,
    async (store, signal) => {
      const { entries } = namespaceNamed(store, flags.namespace)
      const options: EraseOptions = { signal, all: flags.all, ...(recursive && { recursive }) }
      const { what, matched, left } = await select(entries, flags, options).catch(tellFlag)
      if (dryRun)
        return report({ namespace: flags.namespace, dryRun, matched, left }, describeDryRun(matched, left), json)
      if (!yes && !(await confirmed(matched, flags.namespace, signal))) return
      const erased = await withLogs(await erase(entries, what, { ...options, vacuum }, matched), flags, signal)
      report({ namespace: flags.namespace, dryRun, ...erased }, describe(erased), json)
      if (erased.left.some(({ isUnfinished }) => isUnfinished)) process.exitCode = EXIT.notErasedEverywhere
    },
    describeInterruption,
  )
}

function describeInterruption({ details: { counts } }: ThermoclineError<'ERR_ABORTED'>): string {
  const { erased = 0 } = counts ?? {}
  return `interrupted: ${erased} entries were erased, and traces of them may be left; run it again to go on`
}

function refuseUnlessOneSelection({ id, key, where, all, recursive }: EraseFlags): void {
  const isByName = id !== undefined || key !== undefined
  if ([isByName, where !== undefined, all === true].filter(Boolean).length !== 1)
    throw new UsageError('say what is to be erased, in one way: --id or --key, --where, or --all')
  if (isByName && recursive) throw new UsageError('--recursive goes with --where or --all: ids are of one namespace')
}

type Selection = Parameters<Entries['erase']>[0]

/** Returns how many there are as well, and which logs would be asked. */
async function select(
  entries: Entries,
  { id, key, where = {} }: EraseFlags,
  options: EraseOptions,
): Promise<Pick<Erased, 'matched' | 'left'> & { readonly what: Selection }> {
  const isByName = id !== undefined || key !== undefined
  const what = isByName ? [...(id ?? []), ...(key ?? []).map((one) => entries.idOf(one))] : { where }
  const { matched, left } = await entries.erase(what, { ...options, dryRun: true })
  return { what, matched, left }
}

/** What was selected came from nowhere else. */
function tellFlag(error: unknown): never {
  if (isThermoclineError(error, 'ERR_INVALID_ENTRY')) throw new UsageError(`--id or --key: ${error.message}`)
  return tellWhere(error)
}

async function confirmed(matched: number, namespace: string, signal: AbortSignal): Promise<boolean> {
  if (await confirm(`erase ${matched} entries of ${namespace} for good?`, signal)) return true
  process.stderr.write('thermocline: nothing was erased\n')
  process.exitCode = EXIT.failed
  return false
}

async function erase(entries: Entries, what: Selection, options: EraseOptions, total: number): Promise<Erased> {
  const bars = new EntryProgress()
  const onProgress: EraseOptions['onProgress'] = ({ matched }) => bars.show('erased', { entries: matched, total })
  return entries.erase(what, { ...options, onProgress }).finally(() => bars.finish())
}

/** Waits for the logs of other processes. Where that ends early, what was erased is erased, and told. */
async function withLogs(erased: Erased, { wait: within }: EraseFlags, signal: AbortSignal): Promise<Erased> {
  if (!erased.left.some(({ place }) => place === 'log')) return erased
  process.stderr.write('thermocline: waiting until other processes have let go of what their logs have\n')
  try {
    return { ...erased, left: await erased.done({ within, signal }) }
  } catch (error) {
    if (!signal.aborted) process.stderr.write(`thermocline: the wait has failed: ${describeError(error)}\n`)
    return erased
  }
}

/** Before anything is erased. */
function parseWait(text: string): string {
  if (/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return text
  throw new InvalidArgumentError("It must be a duration such as '30s', or '0s'.")
}

function describeDryRun(matched: number, { length: logs }: Erased['left']): string {
  const processes = logs === 1 ? '1 other process' : `${logs} other processes`
  const asked = `, and ${processes} would be asked to let go of what is in their logs`
  return `${matched} would be erased${logs === 0 ? '' : asked}`
}

function report(answer: object, text: string, json: true | undefined): void {
  console.log(json ? JSON.stringify(answer) : text)
}

function describe({ matched, erased, removed, left }: Erased): string {
  const { hot, staged, deadLetters, idempotencyKeys, log } = removed
  return [
    `erased ${erased} of ${matched} entries`,
    `  gone with them: ${hot} from hot, ${staged} staged rows, ${deadLetters} dead letters, ` +
      `${idempotencyKeys} idempotency keys, ${log.segments} files of the log (${log.bytes} bytes)`,
    ...(left.length === 0 ? ['  nothing is known to be left'] : unfinishedFirst(left).map(describeRemnant)),
  ].join('\n')
}

function unfinishedFirst(left: Erased['left']): Erased['left'] {
  return left.toSorted((a, b) => Number(b.isUnfinished) - Number(a.isUnfinished))
}

function describeRemnant({ place, name, remedy, isUnfinished }: Erased['left'][number]): string {
  const named = name === undefined ? place : `${place} ${name}`
  return `  ${isUnfinished ? 'not yet gone from' : 'may still be in'} ${named}: ${remedy}`
}
