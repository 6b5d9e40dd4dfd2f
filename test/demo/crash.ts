/** Kills a writing process with -9 at a random moment, and finds out afterwards what survived. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type CrashOrder, crashKey, parseSaying } from './crash-order.ts'
import { isIntact, type StoredChunk } from './demo-chunk.ts'
import type { DemoStore } from './store.ts'

/** What the child said before it died. */
export interface Testimony {
  /** Puts begun: numbers 0 to here, without this one. */
  readonly written: number
  /** Number of each acknowledged put → id of its entry. */
  readonly acknowledged: ReadonlyMap<number, string>
}

export interface Survival {
  readonly written: number
  readonly acknowledged: number
  /** Found intact; puts that were never acknowledged may be among them. */
  readonly recovered: number
  /** Acknowledged and not found intact. */
  readonly lost: number
}

const CHILD = fileURLToPath(new URL('./crashing-writer.ts', import.meta.url))
/** The kill comes at a random moment of this span after so many acknowledgements. */
const MIN_ACKNOWLEDGED = 100
const MAX_SURVIVAL_MS = 400
const PATIENCE_MS = 30_000

/** @param chunks What the child puts, in turn. Its store is the one in `dir`, which nobody may have open. */
export async function killWriter(dir: string, chunks: readonly StoredChunk[], signal: AbortSignal): Promise<Testimony> {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  const child = spawn(process.execPath, [...process.execArgv, CHILD], {
    stdio: ['pipe', 'pipe', 'inherit'],
    signal: AbortSignal.any([signal, patience]),
    killSignal: 'SIGKILL',
  })
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  // A child that ends before it has read all of this is reported by how it ended.
  child.stdin.on('error', () => {})
  child.stdin.end(JSON.stringify(orderOf(dir, chunks)))
  const testimony = listen(child)
  const [code, killedBy] = await closed.catch((error: unknown) => {
    if (!patience.aborted) throw error
    throw new Error(`the writing child had less than ${MIN_ACKNOWLEDGED} puts acknowledged within ${PATIENCE_MS} ms`)
  })
  if (killedBy !== 'SIGKILL') throw new Error(`the writing child ended by itself, with code ${code}`)
  return testimony
}

function orderOf(dir: string, chunks: readonly StoredChunk[]): CrashOrder {
  return { dir, chunks: chunks.map(({ id: _, embedding, ...chunk }) => ({ ...chunk, embedding: [...embedding] })) }
}

/** Fills the testimony as the child speaks, and kills it. */
function listen(child: ChildProcessByStdio<Writable, Readable, null>): Testimony {
  const testimony = { written: 0, acknowledged: new Map<number, string>() }
  let isDoomed = false
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = parseSaying(line)
    if (said === undefined) return
    if (said.id === undefined) testimony.written = Math.max(testimony.written, said.n + 1)
    else testimony.acknowledged.set(said.n, said.id)
    if (isDoomed || testimony.acknowledged.size < MIN_ACKNOWLEDGED) return
    isDoomed = true
    setTimeout(() => child.kill('SIGKILL'), Math.random() * MAX_SURVIVAL_MS)
  })
  return testimony
}

/** @param chunks The ones that the child was given. */
export async function survivalOf(
  { written, acknowledged }: Testimony,
  chunks: readonly StoredChunk[],
  store: DemoStore,
): Promise<Survival> {
  let recovered = 0
  let lost = 0
  for (let n = 0; n < written; n++) {
    const id = acknowledged.get(n)
    const entry = await (id === undefined ? store.chunks.getByKey(crashKey(n)) : store.chunks.get(id))
    if (isIntact(entry, chunks[n % chunks.length]!)) recovered++
    else if (id !== undefined) lost++
  }
  return { written, acknowledged: acknowledged.size, recovered, lost }
}
