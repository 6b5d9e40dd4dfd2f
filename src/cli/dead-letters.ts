/** Runs `thermocline dead-letters`: lists acknowledged writes that the database refused, retries or drops them. */
import { Command } from 'commander'
import { isThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { confirm } from './confirm.ts'
import { entryLine } from './entry-lines.ts'
import { EXIT, UsageError } from './exit-code.ts'
import { addPageFlags, type PageFlags, tellNext } from './query-flags.ts'
import { addCommonOptions, type CommonFlags } from './store-options.ts'
import { lookIntoStore, workOnStore } from './work-on-store.ts'

interface LettersFlags extends CommonFlags {
  readonly json?: true
}

interface ListFlags extends LettersFlags, PageFlags {
  readonly content?: true
}

interface ChoiceFlags extends LettersFlags {
  readonly all?: true
  readonly yes?: true
}

type Letter = Awaited<ReturnType<MemoryStore['deadLetters']>>['items'][number]
type Choice = Parameters<MemoryStore['dropDeadLetters']>[0]

export function deadLettersCommand(): Command {
  return addCommonOptions(new Command('dead-letters'))
    .description('Lists acknowledged writes that the database refused, with the reason; retries or drops them.')
    .option('--json', 'report as JSON')
    .addHelpText('after', '\nExample:\n  thermocline dead-letters retry --all')
    .addCommand(listCommand(), { isDefault: true })
    .addCommand(retryCommand())
    .addCommand(dropCommand())
}

function listCommand(): Command {
  return addPageFlags(new Command('list'), 'letters', 20)
    .description('Lists them: which entry, in which version, why, and since when.')
    .option('--content', 'with --json: what they said as well')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nExample:\n  thermocline dead-letters list --json')
    .action((_: unknown, command: Command) => list(command.optsWithGlobals<ListFlags>()))
}

function retryCommand(): Command {
  return new Command('retry')
    .description('Has the database take them, once what it refused them for is mended.')
    .argument('[letter...]', 'as `thermocline dead-letters` names them')
    .option('--all', 'every one')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      '\nEach is the old version that it was: it takes the place of nothing newer, and brings back nothing that was\n' +
        'deleted or erased. Exits 1 where some are refused again; they stay.',
    )
    .addHelpText('after', '\nExample:\n  thermocline dead-letters retry --all')
    .action((letters: string[], _: unknown, command: Command) => retry(letters, command.optsWithGlobals<ChoiceFlags>()))
}

function dropCommand(): Command {
  return new Command('drop')
    .description('Gives them up: what they said is gone.')
    .argument('[letter...]', 'as `thermocline dead-letters` names them')
    .option('--all', 'every one')
    .option('--yes', 'do not ask; needed where stdin is no terminal')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', '\nExample:\n  thermocline dead-letters drop --all --yes')
    .action((letters: string[], _: unknown, command: Command) => drop(letters, command.optsWithGlobals<ChoiceFlags>()))
}

async function list(flags: ListFlags): Promise<void> {
  const { limit, cursor, content, json } = flags
  if (content && !json) throw new UsageError('--content goes with --json: a terminal is no place for what entries say')
  await lookIntoStore(flags, async (store, signal) => {
    const page = await store.deadLetters({ limit, cursor, content, signal }).catch(tellPage)
    if (json) return console.log(JSON.stringify(page))
    if (page.items.length === 0) console.log('there is no dead letter: the database has taken every write')
    for (const letter of page.items) console.log(describe(letter))
    tellNext(page)
  })
}

async function retry(letters: readonly string[], flags: ChoiceFlags): Promise<void> {
  const choice = chosen(letters, flags)
  await workOnStore(
    flags,
    async (store, signal) => {
      const retried = await store.retryDeadLetters(choice, { signal }).catch(tellLetter)
      const { matched, written, superseded, refused } = retried
      const kept = Object.entries(refused).map(([reason, count]) => `${count} ${refusalOf(reason)}`)
      const lines = [
        `of ${matched}: ${written} written, ${superseded} of which the database has the same or a newer version`,
        ...(kept.length === 0 ? [] : [`  these stay: ${kept.join('; ')}`]),
      ]
      console.log(flags.json ? JSON.stringify(retried) : lines.join('\n'))
      if (kept.length > 0) process.exitCode = EXIT.failed
    },
    () => 'interrupted: some may have been written; run it again to go on',
  )
}

async function drop(letters: readonly string[], flags: ChoiceFlags): Promise<void> {
  const choice = chosen(letters, flags)
  if (!flags.yes && !process.stdin.isTTY)
    throw new UsageError('what is dropped is gone: pass --yes where nobody can be asked')
  await workOnStore(
    flags,
    async (store, signal) => {
      if (!flags.yes && !(await confirmed(store, choice, signal))) return
      const answer = await store.dropDeadLetters(choice, { signal }).catch(tellLetter)
      console.log(flags.json ? JSON.stringify(answer) : `dropped ${answer.dropped} of ${answer.matched}`)
    },
    () => 'interrupted: some may have been dropped',
  )
}

async function confirmed(store: MemoryStore, choice: Choice, signal: AbortSignal): Promise<boolean> {
  const { cold } = await store.stats({ signal })
  const many = choice === 'all' ? `all ${cold?.deadLetters ?? ''} dead letters` : `${choice.length} dead letters`
  if (await confirm(`give up ${many} for good?`, signal)) return true
  process.stderr.write('thermocline: nothing was dropped\n')
  process.exitCode = EXIT.failed
  return false
}

function chosen(letters: readonly string[], { all }: ChoiceFlags): Choice {
  if (letters.length > 0 === (all === true)) throw new UsageError('name letters, or say --all')
  return all ? 'all' : letters
}

function tellLetter(error: unknown): never {
  if (isThermoclineError(error, 'ERR_INVALID_OPTIONS') && error.details.option === 'letters')
    throw new UsageError('a letter is named by 64 hex digits, as `thermocline dead-letters` prints them')
  throw error
}

function tellPage(error: unknown): never {
  if (isThermoclineError(error, 'ERR_INVALID_QUERY'))
    throw new UsageError(error.message.replace(/`(cursor|limit)`/, '--$1'))
  throw error
}

function describe({ letter, namespace = '', id, key, kind, version, reason, refusedAt, log, bytes }: Letter): string {
  const entry =
    id !== undefined && entryLine({ kind: kind ?? 'delete', id, namespace, ...(key !== undefined && { key }) })
  return [
    letter,
    entry === false ? '  an entry that this version cannot read' : `  ${entry}  version ${version}`,
    `  ${refusalOf(reason)}, since ${refusedAt.toISOString()}, ${bytes} bytes`,
    ...(log === undefined ? [] : [`  of log ${log}`]),
  ].join('\n')
}

const REFUSALS: Readonly<Record<string, string>> = {
  encoding: 'cannot be written as a row (encoding)',
  'below-horizon': 'came too late to tell whether it was deleted since (below-horizon): put it anew, or drop it',
  unreadable: 'cannot be read by this version (unreadable)',
  '23514': 'broke a check constraint (23514)',
  '23505': 'broke a unique constraint (23505)',
  '23503': 'broke a foreign key (23503)',
  '23502': 'lacks what a column needs (23502)',
}

function refusalOf(reason: string): string {
  return REFUSALS[reason] ?? `refused with SQLSTATE ${reason}`
}
