/**
 * A segment of the log goes only once the embedded database has on the disk what it held: at every unlink of a segment,
 * nothing that Postgres wrote to its own log is waiting for an fsync. Seen from outside, by the system calls.
 */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { compiled } from '../compiled.ts'
import { describeWithStrace } from '../services.ts'
import { StoreTemplate } from '../store-template.ts'

const CHILD = join(import.meta.dirname, 'shipping-child.ts')
const CALLS = 'trace=write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,unlink,rename,openat'

/** What the disk may not have yet, file by file, as the calls of a traced process pass by. */
class Disk {
  readonly #unsynced = new Set<string>()
  /** Files of the database's log that were not on the disk when a segment went. */
  readonly early: string[] = []
  segmentsGone = 0
  databaseSyncs = 0

  /** @param line Of strace, with the paths of descriptors. */
  see(line: string): void {
    const path = /\d+<([^>]+)>/.exec(line)?.[1] ?? ''
    if (/\b(write|pwrite64|writev|pwritev|ftruncate)\(/.test(line)) this.#written(path)
    else if (/\bf(data)?sync\(.* = 0$/.test(line)) this.#synced(path)
    else if (/\bunlink\(".*\/wal\/.*\.wal"\) = 0$/.test(line)) {
      this.segmentsGone++
      this.early.push(...this.#unsynced)
    }
  }

  #written(path: string): void {
    if (isDatabaseLog(path)) this.#unsynced.add(path)
  }

  #synced(path: string): void {
    if (this.#unsynced.delete(path)) this.databaseSyncs++
  }
}

function isDatabaseLog(path: string): boolean {
  return path.includes('/cold/data/pg_wal/')
}

describeWithStrace('a database in a folder', () => {
  const template = new StoreTemplate()
  beforeAll(() => template.make())
  afterAll(() => template.remove())

  test('has every record on the disk before the segment that held it goes', { timeout: 300_000 }, async () => {
    const dir = await template.copy()
    const trace = join(dir, 'calls')
    const node = [process.execPath, compiled(CHILD), dir]
    // Whole lines at a time, however many threads: -ff writes a file per thread, and the times put them in order.
    const running = promisify(execFile)('strace', ['-f', '-y', '-e', CALLS, '-s', '0', '-o', trace, ...node])
    onTestFinished(() => {
      running.child.kill('SIGKILL')
    })
    const checkpoints = Number((await running).stdout)
    const disk = new Disk()
    for (const line of completed(await readFile(trace, 'utf8'))) disk.see(line)
    expect(disk.early).toEqual([])
    // That the calls were seen at all.
    expect(disk.segmentsGone).toBeGreaterThan(checkpoints)
    expect(disk.databaseSyncs).toBeGreaterThanOrEqual(checkpoints)
  })
})

/** Calls in the order in which they ended: strace tells one that another thread interrupts in two lines. */
function* completed(trace: string): Generator<string> {
  const begun = new Map<string, string>()
  for (const line of trace.split('\n')) {
    const thread = line.split(' ', 1)[0]!
    if (line.includes('<unfinished ...>')) begun.set(thread, line.replace(/<unfinished \.\.\.>$/, ''))
    else if (line.includes(' resumed>')) yield `${begun.get(thread) ?? ''}${line.replace(/^.* resumed>/, '')}`
    else yield line
  }
}
