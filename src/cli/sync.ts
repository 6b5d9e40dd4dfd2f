/** Runs `thermocline sync`: the worker beside the backends, or one sync by hand. */
import { once } from 'node:events'
import { Command } from 'commander'
import type { MemoryStore } from '../store/memory-store.ts'
import { openMemoryStore } from '../store/open-memory-store.ts'
import { EXIT } from './exit-code.ts'
import { GRACE_MS, graceAfter, listenForInterrupt } from './signals.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions, type StoreOptions } from './store-options.ts'
import { commandLogger, type Logger, workerLogger } from './terminal-logger.ts'

interface SyncFlags extends CommonFlags {
  readonly once?: true
  readonly json?: true
}

const HEALTH_INTERVAL_MS = 1_000
/** An id that nobody has. */
const NO_ENTRY = '00000000-0000-7000-8000-000000000000'

export function syncCommand(): Command {
  return addCommonOptions(new Command('sync'))
    .description('Runs the sync worker until SIGTERM or SIGINT, or once.')
    .option('--once', 'run one sync, print what it did, and exit')
    .option('--json', 'with --once: print it as JSON')
    .addHelpText(
      'after',
      '\nOn Redis and Postgres it runs beside the backends, and as often as you like: one worker syncs, the others stand by.\n' +
        'It needs a data folder of its own or that of the backends, whose logs it then ships when they have died.\n' +
        'Writes that the database refuses are kept, with the reason, in its table thermocline.dead_letters.\n' +
        'A supervisor starts node_modules/.bin/thermocline itself: npx and npm run are killed without telling the worker,\n' +
        'which then looks for them, finishes and stops.',
    )
    .addHelpText('after', '\nExample:\n  thermocline sync --dir /var/lib/app/thermocline')
    .action(async (flags: SyncFlags) => {
      const options = await readStoreOptions(flags, { hot: true, folder: 'if-embedded', waits: !flags.once })
      if (flags.once) await syncOnce(options, flags)
      else await runWorker(options, workerLogger(flags))
    })
}

async function syncOnce(options: StoreOptions, flags: SyncFlags): Promise<void> {
  await using store = await openMemoryStore({
    ...options,
    sync: options.sync || undefined,
    logger: commandLogger(flags),
  })
  // A sync does without hot what it can; whoever asked for one hears that nothing was demoted, and why.
  const { failures } = await store.entries.explain(NO_ENTRY)
  const hotFailure = failures.find(({ details }) => details.tier === 'hot')
  const stats = await store.sync()
  if (hotFailure !== undefined) throw hotFailure
  if (flags.json) console.log(JSON.stringify(stats))
  else {
    const { synced, skipped, errors, bytes, expired, collected, indexed, durationMs } = stats
    console.log(
      `synced in ${durationMs} ms: ${synced} entries moved, ${skipped} skipped, ${errors} refused, ${bytes} bytes shipped, ` +
        `${expired} expired, ${collected} tombstones collected, ${indexed} vectors indexed`,
    )
  }
}

async function runWorker(options: StoreOptions, logger: Logger): Promise<void> {
  // Before opening: recovery may take long, and a signal must not end it half-way.
  const interrupted = listenForInterrupt()
  // Backends that leave the sync to this process say `sync: false` in the options they share with it.
  const opening = openMemoryStore({ ...options, sync: options.sync || undefined, logger })
  // Opening may wait for a database that is away.
  const store = await Promise.race([opening, graceAfter(interrupted)])
  if (store === undefined) {
    logger.warn({}, 'ended before the store was open: the logs are left as they are')
    process.exit(EXIT.done)
  }
  try {
    logger.info({ nextRun: store.worker.nextRun }, 'the sync worker runs')
    await untilInterrupted(store, interrupted)
    logger.info({ reason: String(interrupted.reason) }, 'the sync worker finishes')
  } finally {
    const { shipped, remaining } = await store.close({ timeout: GRACE_MS })
    logger.info({ shipped, remaining }, 'the sync worker has stopped')
  }
}

/** Rejects when the store has failed for good, so that a supervisor starts the worker anew. */
async function untilInterrupted(store: MemoryStore, interrupted: AbortSignal): Promise<void> {
  if (interrupted.aborted) return
  // The timer also keeps the process alive: neither the store's own timers nor signal handlers do.
  let watch: NodeJS.Timeout | undefined
  const failed = new Promise<never>((_, reject) => {
    watch = setInterval(() => {
      const { live, error } = store.health()
      if (!live && error !== undefined) reject(error)
    }, HEALTH_INTERVAL_MS)
  })
  try {
    await Promise.race([once(interrupted, 'abort'), failed])
  } finally {
    clearInterval(watch)
  }
}
