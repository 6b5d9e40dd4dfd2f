/** The demo's command line. */
import { Command, CommanderError } from 'commander'
import { Refusal } from './refusal.ts'

export interface DemoOptions {
  readonly folder: string | undefined
  /** Leave the data folder behind. */
  readonly keep: boolean
  /** Start a Redis and a Postgres for this run alone. */
  readonly servers: boolean
}

/** Undefined where help was asked for, and given. Throws {@link Refusal} for what it does not know. */
export function parseOptions(args: readonly string[]): DemoOptions | undefined {
  const command = new Command('npm run demo --')
    .description(
      'Stores the Markdown of FOLDER (by default the documentation of this project’s dependencies) with its embeddings, ' +
        'searches it, moves it between the tiers, kills a writing process and recovers.',
    )
    .argument('[FOLDER]', 'folder with Markdown')
    .option('--keep', 'keep the data folder and print where it is', false)
    .option('--servers', 'run on a private Redis and Postgres, started for this run', false)
    .addHelpText(
      'after',
      '\nWith REDIS_URL and DATABASE_URL set it runs on those, in a database of its own that it drops.',
    )
    .exitOverride()
    .configureOutput({ outputError: () => {} })
  try {
    command.parse(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return undefined
    throw new Refusal(`${error.message.replace(/^error: /, '')}: see \`npm run demo -- --help\``)
  }
  return { folder: command.args[0], ...command.opts<Omit<DemoOptions, 'folder'>>() }
}
