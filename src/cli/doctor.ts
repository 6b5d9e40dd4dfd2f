/** Runs `thermocline doctor`: prints what is wrong with the servers, the logs and the disk of a store. */
import { Command } from 'commander'
import { diagnoseStore, type Finding } from '../admin/diagnose-store.ts'
import { EXIT } from './exit-code.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions } from './store-options.ts'
import { commandLogger } from './terminal-logger.ts'

interface DoctorFlags extends CommonFlags {
  readonly json?: true
}

export function doctorCommand(): Command {
  return addCommonOptions(new Command('doctor'))
    .description('Looks at servers, settings, indexes, logs and the disk; says what is wrong, and what to do.')
    .option('--json', 'report as JSON')
    .addHelpText(
      'after',
      '\nExits 1 where something is wrong. It changes nothing, and runs beside the backends of servers.',
    )
    .addHelpText('after', '\nExample:\n  thermocline doctor --config store.config.mjs')
    .action(run)
}

async function run(flags: DoctorFlags): Promise<void> {
  const options = await readStoreOptions(flags, { hot: true, folder: 'if-embedded', looksAnyway: true })
  const { findings } = await diagnoseStore({ ...options, logger: commandLogger(flags) })
  if (flags.json) console.log(JSON.stringify({ findings }))
  else console.log(findings.length === 0 ? 'nothing is wrong' : findings.map(describe).join('\n'))
  if (findings.length > 0) process.exitCode = EXIT.failed
}

function describe({ code, what, why, remedy }: Finding): string {
  return [`${code}: ${what}`, `  why it matters: ${why}`, `  what to do: ${remedy}`].join('\n')
}
