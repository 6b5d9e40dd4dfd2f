/** What a disk refuses in the midst of a write, seen through the real device. */
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { describeWithStrace } from '../tools/services.ts'
import { Child } from './child.ts'
import { payloadOf, range, reopenLog, sequencesOf, temporaryFolder } from './temporary-log.ts'

/** What the child acknowledged, and what it said when it stopped. */
function read(lines: readonly string[]): { acknowledged: number; failures: string[] } {
  const acknowledged = lines.filter((line) => line.startsWith('ack ')).map((line) => Number(line.slice(4)))
  return {
    acknowledged: Math.max(0, ...acknowledged),
    failures: lines.filter((line) => line.startsWith('ERR_')),
  }
}

/** Everything acknowledged is there, and what is there is what was written. */
async function expectKept(dir: string, acknowledged: number): Promise<void> {
  const { records, report } = await reopenLog({ dir })
  expect(report.damage).toEqual([])
  expect(records.length).toBeGreaterThanOrEqual(acknowledged)
  expect(sequencesOf(records)).toEqual(range(1, records.length))
  for (const { sequence, payload } of records) expect(Buffer.compare(payload, payloadOf(sequence))).toBe(0)
}

it('a write of which the system takes only a part stops the log, and nothing acknowledged is lost', async () => {
  const dir = await temporaryFolder()
  // No file may grow beyond half a segment: the write that would is cut short, and the one for its rest fails.
  const limited = 'trap "" XFSZ; ulimit -f 16; exec "$@"'
  const child = new Child('kill-child.ts', [dir], [], ['env', 'TSX_DISABLE_CACHE=1', 'sh', '-c', limited, 'sh'])
  const { acknowledged, failures } = read(await child.rest())
  expect(failures).toContain('ERR_WAL_FAILED unknown')
  expect(acknowledged).toBeGreaterThan(0)
  await expectKept(dir, acknowledged)
})

describeWithStrace('a sync that fails once', () => {
  it('is not tried again: the log has stopped, and nothing acknowledged is lost', async () => {
    const dir = await temporaryFolder()
    const strace = ['strace', '-f', '-qq', '-o', `${dir}/calls`, '-e', 'trace=fdatasync']
    const child = new Child('kill-child.ts', [dir], [], [...strace, '-e', 'inject=fdatasync:error=EIO:when=9'])
    const { acknowledged, failures } = read(await child.rest())
    expect(failures).toContain('ERR_WAL_FAILED unknown')
    expect(acknowledged).toBeGreaterThan(0)
    const calls = (await readFile(`${dir}/calls`, 'utf8')).split('\n').filter((line) => line.includes('fdatasync('))
    expect(calls.length).toBe(9)
    expect(calls[8]).toMatch(/EIO/)
    await expectKept(dir, acknowledged)
  })
})
