/** The command line of the benchmarks. */
import { Command, CommanderError, InvalidArgumentError } from 'commander'

export interface Flags {
  readonly list: boolean
  /** Names of cases; empty for all. */
  readonly only: readonly string[]
  readonly rounds: number
  readonly full: boolean
  readonly json: string | undefined
  readonly html: string | undefined
  readonly profile: string | undefined
  readonly dist: string | undefined
}

/** The command was called wrongly. */
export class BenchUsageError extends Error {
  override readonly name = 'BenchUsageError'
}

const MOST_ROUNDS = 100

/**
 * Undefined where help was asked for, and given. Throws {@link BenchUsageError} for what it does not know.
 *
 * @param cases names of all there are.
 */
export function parseFlags(args: readonly string[], cases: readonly string[]): Flags | undefined {
  const command = new Command('npm run bench --')
    .description('Measures thermocline against what one would pick instead, on servers and folders of this run alone.')
    .option('--list', 'name the cases and what each is measured against', false)
    .option('--only <case>', 'measure this case; may be given several times', collect(cases), [])
    .option('--rounds <number>', 'rounds of each case', rounds, 5)
    .option('--full', 'measure the largest sizes as well, which takes long', false)
    .option('--json <file>', 'write all figures to a file')
    .option('--html <file>', 'write a page with the table and charts')
    .option('--profile <case>', 'print where the microseconds of a case go, step by step', oneOf(cases))
    .option('--dist <folder>', 'measure this build of the package instead of a fresh `dist`')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return undefined
    throw new BenchUsageError(`${error.message.replace(/^error: /, '')}; see \`npm run bench -- --help\``)
  }
  const flags = command.opts<Flags>()
  if (flags.profile !== undefined && (flags.only.length > 0 || flags.json !== undefined || flags.html !== undefined))
    throw new BenchUsageError('--profile goes without --only, --json and --html: it measures one case and no ratio')
  return flags
}

function oneOf(cases: readonly string[]) {
  return (name: string): string => {
    if (!cases.includes(name)) throw new InvalidArgumentError(`There is no such case: \`npm run bench -- --list\`.`)
    return name
  }
}

function collect(cases: readonly string[]) {
  const check = oneOf(cases)
  return (name: string, before: string[]): string[] => [...new Set([...before, check(name)])]
}

function rounds(text: string): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 1 || number > MOST_ROUNDS)
    throw new InvalidArgumentError(`Give a whole number from 1 to ${MOST_ROUNDS}.`)
  return number
}
