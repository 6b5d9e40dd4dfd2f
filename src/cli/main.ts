#!/usr/bin/env node
/**
 * `thermocline COMMAND`: what an operator runs beside the backends. Answers go to stdout. Every failure is one line on
 * stderr that names the remedy, and an exit code (see {@link ./exit-code.ts}); entry content is in neither.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { deadLettersCommand } from './dead-letters.ts'
import { describeError, traceOf } from './describe-error.ts'
import { doctorCommand } from './doctor.ts'
import { eraseCommand } from './erase.ts'
import { exitCodeOf, UsageError } from './exit-code.ts'
import { explainCommand } from './explain.ts'
import { exportCommand } from './export.ts'
import { findCommand } from './find.ts'
import { getCommand } from './get.ts'
import { importCommand } from './import.ts'
import { inspectCommand } from './inspect.ts'
import { logsCommand } from './logs.ts'
import { mcpCommand } from './mcp.ts'
import { migrateCommand } from './migrate.ts'
import { namespacesCommand } from './namespaces.ts'
import { recoverCommand } from './recover.ts'
import { searchCommand } from './search.ts'
import { statsCommand } from './stats.ts'
import { letAnswersEndEarly } from './stdout.ts'
import { studioCommand } from './studio.ts'
import { syncCommand } from './sync.ts'

const COMMANDS = [
  syncCommand,
  recoverCommand,
  inspectCommand,
  logsCommand,
  migrateCommand,
  exportCommand,
  importCommand,
  eraseCommand,
  getCommand,
  findCommand,
  searchCommand,
  namespacesCommand,
  explainCommand,
  statsCommand,
  studioCommand,
  mcpCommand,
  deadLettersCommand,
  doctorCommand,
]

function createProgram(): Command {
  const program = new Command('thermocline')
    .description('Operates the data layer thermocline: its log, its tiers and its database.')
    .version(readVersion())
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed, 2 usage, 3 log or archive damaged, or log lost and not accepted, 4 locked, 5 not yet erased where it was to be, 130 interrupted twice.',
    )
  for (const create of COMMANDS) program.addCommand(create())
  leaveFailuresToUs(program)
  return program
}

/** They are printed in one place and one line. */
function leaveFailuresToUs(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {}, writeErr: () => {} })
  for (const each of command.commands) leaveFailuresToUs(each)
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** What commander refuses becomes a usage error; undefined where it has only shown help or the version. */
function usageErrorOf(error: CommanderError, program: Command, args: readonly string[]): UsageError | undefined {
  if (error.exitCode === 0) return undefined
  const command = program.commands.find((candidate) => candidate.name() === args[0])
  const help = `\`${[program.name(), ...(command === undefined ? [] : [command.name()]), '--help'].join(' ')}\``
  if (error.code === 'commander.help') {
    const names = program.commands.map((candidate) => candidate.name()).join(', ')
    return new UsageError(`name a command: ${names}; see ${help}`)
  }
  return new UsageError(`${error.message.replace(/^error: /, '')}; see ${help}`)
}

async function run(args: readonly string[]): Promise<void> {
  const program = createProgram()
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (thrown) {
    const error = thrown instanceof CommanderError ? usageErrorOf(thrown, program, args) : thrown
    if (error === undefined) return
    process.stderr.write(`thermocline: ${describeError(error)}\n`)
    if (args.includes('--verbose')) process.stderr.write(`${traceOf(error)}\n`)
    process.exitCode = exitCodeOf(error)
  }
}

letAnswersEndEarly()
await run(process.argv.slice(2))
