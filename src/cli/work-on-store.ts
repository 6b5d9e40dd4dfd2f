/** Runs the work of a command on a store: opens the store, closes it afterwards, and ends the work on a signal. */
import { checkNamedPart, namedPart } from '../admin/named-part.ts'
import { isThermoclineError, type ThermoclineError } from '../errors.ts'
import type { MemoryStoreOptions } from '../options.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { openMemoryStore, openStoreToLook } from '../store/open-memory-store.ts'
import { resolveOptions } from '../store/resolve-options.ts'
import { EXIT, UsageError } from './exit-code.ts'
import { LentStore } from './lent-store.ts'
import { listenForInterrupt } from './signals.ts'
import { type CommonFlags, readStoreOptions, type StoreNeeds } from './store-options.ts'
import { commandLogger } from './terminal-logger.ts'

type Work = (store: MemoryStore, signal: AbortSignal) => Promise<void>
type DescribeInterruption = (error: ThermoclineError<'ERR_ABORTED'>) => string

/**
 * Opens the store, and closes it when the work is done. SIGTERM and SIGINT end the work: then one line on stderr says
 * what became of it, and the exit code is 1.
 */
export async function workOnStore(
  flags: CommonFlags,
  work: Work,
  describeInterruption: DescribeInterruption,
): Promise<void> {
  const options = await workingOptions(flags, 'if-embedded')
  await openAndWork(openMemoryStore, options, flags, work, describeInterruption)
}

/** Backends that leave the sync to another process say `sync: false`; here it keeps hot from filling up. */
async function workingOptions(
  flags: CommonFlags,
  folder: NonNullable<StoreNeeds['folder']>,
): Promise<MemoryStoreOptions> {
  const options = await readStoreOptions(flags, { hot: true, folder })
  return { ...options, sync: options.sync || undefined }
}

/** The same for a command that only looks: it leaves the database as it is, and makes no folder beside a server. */
export async function lookIntoStore(flags: CommonFlags, look: Work): Promise<void> {
  await openAndWork(openStoreToLook, await lookingOptions(flags), flags, look, () => 'interrupted')
}

function lookingOptions(flags: CommonFlags): Promise<MemoryStoreOptions> {
  return readStoreOptions(flags, { hot: true, folder: 'if-embedded' })
}

/**
 * Lends a store to work that uses it now and then: one on servers is open all the time, an embedded one is closed when
 * it has rested for so long, and opened again. A folder that `--dir` names is made, unless the work only looks.
 */
export async function lendStore(
  flags: CommonFlags,
  { looks, restMs }: { readonly looks: boolean; readonly restMs: number },
  work: (lent: LentStore, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const options = looks ? await lookingOptions(flags) : await workingOptions(flags, 'if-unnamed')
  const signal = listenForInterrupt()
  const { isShared } = resolveOptions(options).cold
  const wal = { ...options.wal, lockTimeout: options.wal?.lockTimeout ?? LENT_LOCK_TIMEOUT }
  const openStore = looks ? openStoreToLook : openMemoryStore
  const open = () => openStore({ ...options, wal, logger: commandLogger(flags) })
  await using lent = new LentStore(open, isShared ? undefined : restMs)
  if (isShared) await lent.use(async () => {})
  await work(lent, signal)
}

async function openAndWork(
  open: typeof openStoreToLook,
  options: MemoryStoreOptions,
  flags: CommonFlags,
  work: Work,
  describeInterruption: DescribeInterruption,
): Promise<void> {
  const signal = listenForInterrupt()
  await using store = await open({ ...options, logger: commandLogger(flags) })
  try {
    await work(store, signal)
  } catch (error) {
    if (!signal.aborted || !isThermoclineError(error, 'ERR_ABORTED')) throw error
    process.stderr.write(`thermocline: ${describeInterruption(error)}\n`)
    process.exitCode = EXIT.failed
  }
}

/** Who else has been lent the folder uses it for a call or a few, rests and closes it; a client waits for a minute. */
const LENT_LOCK_TIMEOUT = '20s'

/** The namespace that a flag names by its path, as entries have it in `namespace`. */
export function namespaceNamed(store: MemoryStore, path: string): ReturnType<MemoryStore['namespace']> {
  return refusingNoNamespace(() => namedPart(store, path))
}

/** For whom has no store yet. */
export function refuseNoNamespace(path: string): void {
  refusingNoNamespace(() => checkNamedPart(path))
}

function refusingNoNamespace<T>(name: () => T): T {
  try {
    return name()
  } catch (cause) {
    const remedy = 'give its segments with / between them, as in tenant/acme'
    throw new UsageError(`--namespace names no namespace: ${remedy}`, { cause })
  }
}
