import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createProgress } from '../../src/cli/progress.ts'

/** A stream that keeps what it is given, and a clock moved by hand. */
function setUp(options: { total: number; isTTY?: boolean }) {
  const stream = Object.assign(new PassThrough(), options.isTTY ? { isTTY: true, columns: 80 } : {})
  let time = 0
  const progress = createProgress({ total: options.total, label: 'reading {x}', stream, now: () => time })
  const written = (): string => String(stream.read() ?? '')
  return { progress, written, pass: (ms: number) => (time += ms) }
}

describe('off a terminal', () => {
  test('writes no more than a line a second', () => {
    const { progress, written, pass } = setUp({ total: 10 })
    progress.advance(2)
    pass(999)
    progress.advance()
    expect(written()).toBe('')
    pass(1)
    progress.advance()
    progress.advance()
    expect(written()).toBe('reading {x}: 4/10 (40 %)\n')
  })

  test('ends with where it stood, once', () => {
    const { progress, written, pass } = setUp({ total: 3 })
    pass(1_000)
    progress.advance(3)
    progress.finish()
    expect(written()).toBe('reading {x}: 3/3 (100 %)\n')
  })

  test('ends with a line where there was nothing to do', () => {
    const { progress, written } = setUp({ total: 0 })
    progress.finish()
    expect(written()).toBe('reading {x}: 0/0 (100 %)\n')
  })
})

test('draws a bar on a terminal, with the label as it is', () => {
  const { progress, written } = setUp({ total: 4, isTTY: true })
  progress.advance(4)
  progress.finish()
  expect(written()).toMatch(/reading \{x\} \[=+\] 100 % \| 4\/4/)
})

test('leaves signals to the command', () => {
  const before = process.listenerCount('SIGINT')
  const { progress } = setUp({ total: 1, isTTY: true })
  expect(process.listenerCount('SIGINT')).toBe(before)
  progress.finish()
})
