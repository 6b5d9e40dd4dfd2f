/** Runs `thermocline migrate`: brings the database up to date before a new version of the backends starts. */
import { Command } from 'commander'
import { migrateStore } from '../admin/migrate-store.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions } from './store-options.ts'
import { plainLogger } from './terminal-logger.ts'

interface MigrateFlags extends CommonFlags {
  readonly json?: true
}

export function migrateCommand(): Command {
  return addCommonOptions(new Command('migrate'))
    .description('Applies missing database migrations and builds missing vector indexes.')
    .addHelpText(
      'after',
      '\nOn a server it needs neither data folder nor Redis. An embedded database is made where --dir says.',
    )
    .addHelpText('after', '\nExample:\n  thermocline migrate --config thermocline.config.js')
    .option('--json', 'report as JSON; what it is at goes to stderr')
    .action(async (flags: MigrateFlags) => {
      const options = await readStoreOptions(flags, { folder: 'if-unnamed', waits: true })
      const output = flags.json ? process.stderr : process.stdout
      const database = await migrateStore({ ...options, logger: plainLogger(output, flags.verbose ? 'debug' : 'info') })
      console.log(flags.json ? JSON.stringify({ upToDate: true, database }) : `the database is up to date: ${database}`)
    })
}
