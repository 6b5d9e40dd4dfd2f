/** Kills writing processes with -9 at random moments, and finds out afterwards what survived. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { type CrashOrder, crashKey, parseSaying } from './crash-order.ts'
import { isIntact, type StoredChunk } from './demo-chunk.ts'
import type { DemoServers, DemoStore } from './store.ts'

/** What a child said before it died. */
export interface Testimony {
  /** Number of the child. */
  readonly writer: number
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

export interface KillOptions {
  /** Of the store, which nobody may have open where its tiers are embedded. */
  readonly dir: string
  readonly servers: DemoServers | undefined
  /** Processes that write at once. */
  readonly writers: number
  readonly signal: AbortSignal
}

type Child = ChildProcessByStdio<Writable, Readable, null>

const CHILD = fileURLToPath(new URL('./crashing-writer.ts', import.meta.url))
/** The kills come at random moments of this span after so many acknowledgements of each. */
const MIN_ACKNOWLEDGED = 100
const MAX_SURVIVAL_MS = 400
const PATIENCE_MS = 45_000

/** @param chunks What each child puts, in turn. */
export async function killWriters(chunks: readonly StoredChunk[], options: KillOptions): Promise<Testimony[]> {
  const { dir, servers, writers, signal } = options
  const patience = AbortSignal.timeout(PATIENCE_MS)
  const children = Array.from({ length: writers }, (_, writer) => {
    const child = spawn(process.execPath, [...process.execArgv, CHILD], {
      stdio: ['pipe', 'pipe', 'inherit'],
      signal: AbortSignal.any([signal, patience]),
      killSignal: 'SIGKILL',
    })
    // A child that ends before it has read all of this is reported by how it ended.
    child.stdin.on('error', () => {})
    child.stdin.end(JSON.stringify(orderOf({ dir, servers, writer }, chunks)))
    return { child, closed: once(child, 'close') as Promise<[number | null, string | null]> }
  })
  const testimonies = listen(children.map(({ child }) => child))
  const ends = await Promise.all(children.map(({ closed }) => closed)).catch((error: unknown) => {
    for (const { child } of children) child.kill('SIGKILL')
    if (!patience.aborted) throw error
    throw new Error(`a writing child had less than ${MIN_ACKNOWLEDGED} puts acknowledged within ${PATIENCE_MS} ms`)
  })
  for (const [code, killedBy] of ends)
    if (killedBy !== 'SIGKILL') throw new Error(`a writing child ended by itself, with code ${code}`)
  return testimonies
}

function orderOf(order: Omit<CrashOrder, 'chunks'>, chunks: readonly StoredChunk[]): CrashOrder {
  return { ...order, chunks: chunks.map(({ id: _, embedding, ...chunk }) => ({ ...chunk, embedding: [...embedding] })) }
}

/** Fills the testimonies as the children speak, and kills each at a moment of its own once all of them are writing. */
function listen(children: readonly Child[]): Testimony[] {
  const testimonies = children.map((_, writer) => ({ writer, written: 0, acknowledged: new Map<number, string>() }))
  let areDoomed = false
  for (const [writer, testimony] of testimonies.entries())
    createInterface({ input: children[writer]!.stdout }).on('line', (line) => {
      const said = parseSaying(line)
      if (said === undefined) return
      if (said.id === undefined) testimony.written = Math.max(testimony.written, said.n + 1)
      else testimony.acknowledged.set(said.n, said.id)
      if (areDoomed || testimonies.some(({ acknowledged }) => acknowledged.size < MIN_ACKNOWLEDGED)) return
      areDoomed = true
      for (const child of children) setTimeout(() => child.kill('SIGKILL'), Math.random() * MAX_SURVIVAL_MS)
    })
  return testimonies
}

/** @param chunks The ones that the child was given. */
export async function survivalOf(
  { writer, written, acknowledged }: Testimony,
  chunks: readonly StoredChunk[],
  store: DemoStore,
): Promise<Survival> {
  let recovered = 0
  let lost = 0
  for (let n = 0; n < written; n++) {
    const id = acknowledged.get(n)
    const entry = await (id === undefined ? store.chunks.getByKey(crashKey(writer, n)) : store.chunks.get(id))
    if (isIntact(entry, chunks[n % chunks.length]!)) recovered++
    else if (id !== undefined) lost++
  }
  return { written, acknowledged: acknowledged.size, recovered, lost }
}
