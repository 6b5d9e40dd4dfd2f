/** `thermocline migrate`: brings the database up to date before a new version of the backends starts. */
import { Command } from 'commander'
import { migrateStore } from '../migrate-store.ts'
import { plainLogger } from './logger.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions } from './store-options.ts'

export function migrateCommand(): Command {
  return addCommonOptions(new Command('migrate'))
    .description('Applies missing database migrations and builds missing vector indexes.')
    .addHelpText('after', '\nMakes the data folder where --dir names one that is not there.')
    .addHelpText('after', '\nExample:\n  thermocline migrate --config thermocline.config.js')
    .action(async (flags: CommonFlags) => {
      const options = await readStoreOptions(flags, { create: true })
      await migrateStore({ ...options, logger: plainLogger(process.stdout, flags.verbose ? 'debug' : 'info') })
      console.log('the database is up to date')
    })
}
