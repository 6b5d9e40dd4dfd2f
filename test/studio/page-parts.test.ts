/** What of the page needs no browser: sizes, types, and what it makes of numbers, trees, addresses and edits. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { EntryContent } from '../../src/studio/answers.ts'
import { hashOf, routeOf } from '../../src/studio/page/hash-route.ts'
import { hasNewNull, mergePatch, patchOf } from '../../src/studio/page/merge-patch.ts'
import * as text from '../../src/studio/page/number-text.ts'
import { runOutcome } from '../../src/studio/page/run-outcome.ts'
import { layoutOf } from '../../src/studio/page/tree-layout.ts'
import { PAGE_FILES } from '../../src/studio/page.embedded.ts'

const ROOT = join(import.meta.dirname, '../..')

test('the page is small, and asks nobody else for anything', () => {
  const all = Object.values(PAGE_FILES).map((file) => file.text)
  expect(Buffer.byteLength(all.join(''))).toBeLessThan(200_000)
  expect(all.join('').match(/https?:\/\/(?!www\.w3\.org\/)[\w./-]+/g) ?? []).toEqual([])
})

test('its types hold', () => {
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-p', join(ROOT, 'tsconfig.page.json')], { stdio: 'pipe' })
})

test.each([
  [{ a: 1 }, { a: 1 }, undefined],
  [{ a: 1, b: 2 }, { a: 1 }, { b: null }],
  [{ a: { b: 1, c: [1] } }, { a: { b: 1, c: [1, 2] } }, { a: { c: [1, 2] } }],
  [{ a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
  [undefined, { a: 1 }, { a: 1 }],
  [{ toString: 1, constructor: 2 }, {}, { toString: null, constructor: null }],
  [{}, { constructor: { name: 'Object' } }, { constructor: { name: 'Object' } }],
])('what turns %o into %o is %o', (before, after, patch) => {
  expect(mergePatch(before, after)).toEqual(patch)
})

test('an edit is of what differs, and of no line that ends as a field has it', () => {
  const shown = { text: 'a\r\nb\rc', metadata: { a: 1 } } as EntryContent
  expect(patchOf(shown, 'text', 'a\r\nb\r\nc', { a: 1 })).toEqual({})
  expect(patchOf(shown, 'text', 'a\r\nb', { a: 2 })).toEqual({ text: 'a\nb', metadata: { a: 2 } })
  expect(patchOf(shown, 'text', null, undefined)).toEqual({ metadata: null })
})

test.each([
  [{ a: null }, { a: null, b: [null] }, false],
  [{ a: 1 }, { a: null }, true],
  [undefined, { a: { b: null } }, true],
  [{ a: { b: null } }, { a: { b: null, c: 1 } }, false],
])('of %o in %o it is %s that something would be removed', (before, after, isNew) => {
  expect(hasNewNull(before, after)).toBe(isNew)
})

test('of a sync or a checkpoint by hand it is said where cold refused some of it', () => {
  const synced = { synced: 2, expired: 1, errors: 0, durationMs: 12.34 }
  expect(runOutcome('sync', synced)).toEqual({ text: 'Synced in 12.3 ms: 2 moved, 1 expired.', tone: 'good' })
  expect(runOutcome('sync', { ...synced, errors: 3 })).toMatchObject({
    text: expect.stringContaining('cold refused 3'),
    tone: 'bad',
  })
  expect(runOutcome('checkpoint', { shipped: 4, rejected: 0 })).toMatchObject({ tone: 'good' })
  expect(runOutcome('checkpoint', { shipped: 4, rejected: 1 })).toMatchObject({
    text: expect.stringContaining('cold refused 1'),
    tone: 'bad',
  })
})

test('addresses name pages and come back as they were', () => {
  const parameters = { namespace: 'a/b', where: '{"x":"&=#?"}' }
  expect(routeOf(hashOf('browse', { ...parameters, cursor: '', kind: undefined }))).toEqual({
    page: 'browse',
    parameters,
  })
  expect(routeOf('')).toEqual({ page: 'overview', parameters: {} })
})

test('numbers are written as people read them', () => {
  expect([undefined, 0, 1_234_567].map(text.countText)).toEqual(['–', '0', '1,234,567'])
  expect([0, 1_023, 1_536, 5 * 1024 ** 3].map(text.bytesText)).toEqual(['0 B', '1,023 B', '1.5 KiB', '5 GiB'])
  expect([0.05, 12.34, 1_500, 90_000].map(text.millisText)).toEqual(['0.05 ms', '12.3 ms', '1.5 s', '1 min'])
  expect([0, 2.55, 1_234.5].map(text.rateText)).toEqual(['0/s', '2.6/s', '1,235/s'])
  expect(text.fromNowText(0, 120_000)).toBe('2 min ago')
  expect(text.fromNowText(7_200_000, 0)).toBe('in 2 h')
})

test('a tree is laid out level by level, each node once, whatever leads to it', () => {
  const node = (id: string, children: string[] = []) => ({ id, kind: 'raptor', title: id, level: 0, children })
  const { nodes, edges } = layoutOf('top', [
    node('top', ['left', 'right', 'gone']),
    node('left', ['a', 'b']),
    node('right', ['b', 'top']),
    node('a'),
    node('b'),
    node('elsewhere'),
  ])
  const at = Object.fromEntries(nodes.map(({ node: { id }, x, y }) => [id, [x, y]]))
  expect(Object.keys(at).sort()).toEqual(['a', 'b', 'left', 'right', 'top'])
  expect(new Set(Object.values(at).map(String)).size).toBe(5)
  expect([at.top![0], at.left![0], at.a![0]]).toEqual([0, at.right![0], at.b![0]])
  expect(edges.filter(({ isSecond }) => isSecond).map(({ from, to }) => `${from.node.id} ${to.node.id}`)).toEqual([
    ...['right b', 'right top'],
  ])
})

test('as an outline, each node of a tree has a row of its own, below its parent', () => {
  const node = (id: string, children: string[] = []) => ({ id, kind: 'raptor', title: id, level: 0, children })
  const nodes = [node('top', ['left', 'b']), node('left', ['a']), node('a'), node('b')]
  const placed = [...layoutOf('top', nodes, true).nodes].sort((one, two) => one.y - two.y)
  expect(placed.map(({ node: { id } }) => id)).toEqual(['top', 'left', 'a', 'b'])
  expect(new Set(placed.map(({ y }) => y)).size).toBe(4)
})
