import { expect, it } from 'vitest'
import { KnownNewest } from '../../../src/adapters/langgraph/known-newest.ts'
import type { NamespaceView } from '../../../src/index.ts'

const at = (path: string) => ({ path }) as NamespaceView

it('knows the newest checkpoints of the thousand namespaces that were looked at last', () => {
  const known = new KnownNewest()
  const newest = { checkpoint: 'a', version: 'b' }
  for (let n = 0; n < 1_000; n++) known.note(at(`n${n}`), newest)
  known.note(at('n0'), { ...newest, checkpoint: 'c' })
  known.note(at('n1000'), newest)
  expect(known.of(at('n1'))).toBeUndefined()
  expect(['n0', 'n2', 'n1000'].map((path) => known.of(at(path))?.checkpoint)).toEqual(['c', 'a', 'a'])
})

it('forgets it where there is none, and reads names as they are written', () => {
  const known = new KnownNewest()
  const entry = { metadata: { newest: 'a\\u0000' }, version: 'b' }
  expect(known.found(at('n'), entry)).toEqual({ checkpoint: 'a\0', version: 'b' })
  expect(known.of(at('n'))).toEqual({ checkpoint: 'a\0', version: 'b' })
  expect(known.found(at('n'), undefined)).toBeUndefined()
  expect(known.of(at('n'))).toBeUndefined()
})
