/** Runs `thermocline migrate`: brings the database up to date before a new version of the backends starts. */
import { Command } from 'commander'
import { migrateStore } from '../admin/migrate-store.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions } from './store-options.ts'
import { plainLogger } from './terminal-logger.ts'

export function migrateCommand(): Command {
  return addCommonOptions(new Command('migrate'))
    .description('Applies missing database migrations and builds missing vector indexes.')
    .addHelpText(
      'after',
      '\nOn a server it needs neither data folder nor Redis. An embedded database is made where --dir says.',
    )
    .addHelpText('after', '\nExample:\n  thermocline migrate --config thermocline.config.js')
    .action(async (flags: CommonFlags) => {
      const options = await readStoreOptions(flags, { folder: 'if-unnamed', waits: true })
      await migrateStore({ ...options, logger: plainLogger(process.stdout, flags.verbose ? 'debug' : 'info') })
      console.log('the database is up to date')
    })
}
