/** `thermocline sync`: the worker beside the backends, or one sync by hand. */
import { once } from 'node:events'
import { Command } from 'commander'
import type { MemoryStore } from '../memory-store.ts'
import { openMemoryStore } from '../open-store.ts'
import { commandLogger, type Logger, workerLogger } from './logger.ts'
import { listenForInterrupt } from './signals.ts'
import { addCommonOptions, type CommonFlags, readStoreOptions, type StoreOptions } from './store-options.ts'

interface SyncFlags extends CommonFlags {
  readonly once?: true
  readonly json?: true
}

/** Container runtimes kill after ten seconds. */
const CLOSE_TIMEOUT_MS = 8_000
const HEALTH_INTERVAL_MS = 1_000

export function syncCommand(): Command {
  return addCommonOptions(new Command('sync'))
    .description('Runs the sync worker until SIGTERM or SIGINT, or once.')
    .option('--once', 'run one sync, print what it did, and exit')
    .option('--json', 'with --once: print it as JSON')
    .addHelpText('after', '\nExample:\n  thermocline sync --dir /var/lib/app/thermocline')
    .action(async (flags: SyncFlags) => {
      const options = await readStoreOptions(flags)
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
  const stats = await store.sync()
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
  const store = await openMemoryStore({ ...options, sync: options.sync || undefined, logger })
  try {
    logger.info({ pid: process.pid, nextRun: store.worker.nextRun }, 'the sync worker runs')
    await untilInterrupted(store, interrupted)
    logger.info({}, 'the sync worker finishes')
  } finally {
    const { shipped, remaining } = await store.close({ timeout: CLOSE_TIMEOUT_MS })
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
