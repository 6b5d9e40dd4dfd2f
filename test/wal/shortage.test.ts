/** A process that is out of file descriptors for a while. */
import { expect, it } from 'vitest'
import { Child } from './child.ts'
import { payloadOf, range, reopenLog, sequencesOf, temporaryFolder } from './temporary-log.ts'

it('writes or refuses cleanly while no descriptor is left, and goes on afterwards', async () => {
  const dir = await temporaryFolder()
  const limited = 'ulimit -n 100; exec "$@"'
  const child = new Child('shortage-child.ts', [dir], [], ['sh', '-c', limited, 'sh'])
  const lines = await child.rest()
  const [during, after] = [lines.indexOf('none left'), lines.indexOf('enough')]
  const outcomes = lines.filter((line) => !/^(none left|enough)$/.test(line))
  expect(outcomes).toHaveLength(26)
  expect(outcomes.filter((line) => !/^ack|^ERR_BACKPRESSURE none$/.test(line))).toEqual([])
  expect(lines.slice(0, during)).toEqual(['ack 1'])
  expect(lines.slice(during + 1, after).filter((line) => line.startsWith('ack'))).not.toEqual([])
  expect(lines.slice(after + 1).filter((line) => !line.startsWith('ack'))).toEqual([])

  const acknowledged = outcomes.filter((line) => line.startsWith('ack')).length
  const { records, report } = await reopenLog({ dir })
  expect(report.damage).toEqual([])
  expect(sequencesOf(records)).toEqual(range(1, acknowledged))
  for (const { sequence, payload } of records) expect(Buffer.compare(payload, payloadOf(sequence, 1_500))).toBe(0)
})
