/**
 * `thermocline/anthropic` answers what upstream's own tool over a folder answers to the same commands, word for word,
 * also where it refuses; but for what comments below name. `FAULT_RUNS` sets how many sequences.
 */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { betaMemoryTool, type MemoryToolHandlers } from '@anthropic-ai/sdk/helpers/beta/memory'
import type { BetaMemoryTool20250818Command } from '@anthropic-ai/sdk/resources/beta'
import { BetaLocalFilesystemMemoryTool } from '@anthropic-ai/sdk/tools/memory/node'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ThermoclineMemoryTool } from '../../src/adapters/anthropic/memory-tool.ts'
import { describeMainPair, openInMemory, shareStore, temporaryFolder } from '../flow/stores.ts'
import { budget, longTest } from '../tools/budget.ts'

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
const name = oneOf('a', 'b', 'B', 'a.md', '.hidden', 'node_modules', 'é%')
const plainPath = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => ['/memories', ...names].join('/'))
const path = fc.oneof(
  { weight: 12, arbitrary: plainPath },
  { weight: 2, arbitrary: oneOf('/memories', '/memories/', '/memories/a/', '/memories//a', '/memories/./b/../a') },
  { weight: 1, arbitrary: oneOf('/memories/../a', '/memories/a/../../b', '/etc/passwd', 'a', '') },
)
const line = oneOf('', 'x', 'x y', 'ice $& floats', 'é', '\t')
const text = fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n'))
const range = oneOf<number[] | undefined>(undefined, [1, 2], [2, -1], [3, 3], [0, 100], [-2, 1], [5, 2], [1], [2, 0])

/** Its `old_str` is of one line: several are found here, and never upstream, which looks line by line. */
const command: fc.Arbitrary<BetaMemoryTool20250818Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ command: oneOf('create' as const), path, file_text: text }) },
  {
    weight: 5,
    arbitrary: fc
      .record({ command: oneOf('view' as const), path, view_range: range })
      .map(({ view_range, ...rest }) => (view_range === undefined ? rest : { ...rest, view_range })),
  },
  { weight: 4, arbitrary: fc.record({ command: oneOf('str_replace' as const), path, old_str: line, new_str: text }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...{ command: oneOf('insert' as const), path, insert_line: fc.integer({ min: -1, max: 9 }) },
      insert_text: fc.tuple(text, oneOf('', '\n')).map(([said, end]) => said + end),
    }),
  },
  { weight: 2, arbitrary: fc.record({ command: oneOf('delete' as const), path }) },
  { weight: 3, arbitrary: fc.record({ command: oneOf('rename' as const), old_path: path, new_path: path }) },
)

type Answer = { readonly says: string } | { readonly refuses: string }

async function answer(handlers: MemoryToolHandlers, command: BetaMemoryTool20250818Command): Promise<Answer> {
  try {
    return { says: (await betaMemoryTool(handlers).run(command)) as string }
  } catch (error) {
    return { refuses: (error as Error).message }
  }
}

/**
 * What upstream says, with the size of directories that most file systems have. What the file system itself refuses
 * (a path below a file, a directory moved into itself) upstream tells in its words, which name the folder.
 */
function expected(answer: Answer): unknown {
  if ('refuses' in answer) return /^E[A-Z]+: /.test(answer.refuses) ? { refuses: expect.any(String) } : answer
  if (!/^Here're the files/.test(answer.says)) return answer
  return { says: answer.says.replaceAll(/^[\d.]+[BK](?=\t.*\/$)/gm, '4K').replace(/\n[\d.]+[BK](?=\t)/, '\n4K') }
}

/** Upstream makes the directories above the new path before it finds that there is nothing to rename. */
async function withoutTraces(root: string, command: BetaMemoryTool20250818Command, run: () => Promise<Answer>) {
  if (command.command !== 'rename') return run()
  const above = command.new_path.startsWith('/memories/') ? join(root, command.new_path, '..') : root
  const missing: string[] = []
  // Below a file nothing can be missing.
  const isMissing = async (at: string) => {
    const error = await stat(at).then(nothing, (thrown: NodeJS.ErrnoException) => thrown)
    return error?.code === 'ENOENT'
  }
  for (let at = above; await isMissing(at); at = join(at, '..')) missing.push(at)
  const answered = await run()
  const made = missing.at(-1)
  if ('refuses' in answered && made !== undefined) await rm(made, { recursive: true, force: true })
  return answered
}

function nothing(): undefined {}

describeMainPair('the memory tool', (pair) => {
  const { view } = shareStore(pair)

  test('answers what the one over a folder answers', { timeout: 36_000_000 }, async () => {
    const folder = await temporaryFolder()
    let runs = 0
    const property = fc.asyncProperty(fc.array(command, { minLength: 8, maxLength: 16 }), async (commands) => {
      const root = join(folder, `${++runs}`)
      const upstream = await BetaLocalFilesystemMemoryTool.init(root)
      const ours = new ThermoclineMemoryTool(view())
      const whole = { command: 'view', path: '/memories' } as const
      for (const one of commands.flatMap((each) => [each, whole])) {
        const said = expected(await withoutTraces(root, one, () => answer(upstream, one)))
        expect(await answer(ours, one), JSON.stringify(one)).toEqual(said)
      }
    })
    await fc.assert(property, { numRuns: budget({ short: 2, long: 150 }) })
  })

  test('replaces what is of several lines, if it is there once', async () => {
    const tool = new ThermoclineMemoryTool(view())
    const path = '/memories/list'
    await tool.create({ command: 'create', path, file_text: 'a\nb\na\nc\nb\nc' })
    const replace = (old_str: string, new_str: string) =>
      tool.str_replace({ command: 'str_replace', path, old_str, new_str })
    expect(await replace('a\nb', 'x')).toMatch(/\n {5}1\tx\n {5}2\ta\n {5}3\tc$/)
    await tool.insert({ command: 'insert', path, insert_line: 0, insert_text: 'b\nc' })
    await expect(replace('b\nc', 'y')).rejects.toThrow(/Multiple occurrences .* in lines: 1, 6\./s)
    await tool.create({ command: 'create', path: '/memories/blank', file_text: '\n'.repeat(32_000) })
    const blank = { command: 'str_replace', path: '/memories/blank', old_str: '\n', new_str: '' } as const
    await expect(tool.str_replace(blank)).rejects.toThrow(/in lines: 1, 2, 3, [\d, ]*, 100 and more\./)
  })

  test('loses none of the edits that come at the same time, and makes a file once', async () => {
    const own = view()
    const tools = Array.from({ length: 4 }, () => new ThermoclineMemoryTool(own))
    const path = '/memories/shared'
    const made = await Promise.allSettled(tools.map((one) => one.create({ command: 'create', path, file_text: '' })))
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    await Promise.all(
      tools.map((one, nth) => one.insert({ command: 'insert', path, insert_line: 0, insert_text: `line ${nth}` })),
    )
    const { text } = (await own.chunks.getByKey(path))!
    expect(text.split('\n').sort()).toEqual(['', 'line 0', 'line 1', 'line 2', 'line 3'])
    await Promise.allSettled([
      tools[0]!.rename({ command: 'rename', old_path: path, new_path: '/memories/new/file' }),
      tools[1]!.delete({ command: 'delete', path }),
      tools[2]!.create({ command: 'create', path: '/memories/new', file_text: '' }),
    ])
    expect((await own.chunks.find()).items.length).toBeLessThanOrEqual(2)
    expect(await own.chunks.count({ where: { key: '/memories/new' } })).not.toBe(
      await own.metadata.count({ where: { key: '/memories/new' } }),
    )
  })

  test('keeps files where they are searched, and in their namespace', async () => {
    const own = view()
    const create = { command: 'create', path: '/memories/ice.md', file_text: 'Ice floats' } as const
    await new ThermoclineMemoryTool(own).create(create)
    const { hits } = await own.chunks.search({ text: 'floats' })
    expect(hits.map(({ entry }) => entry.key)).toEqual(['/memories/ice.md'])
    const listed = await new ThermoclineMemoryTool(view()).view({ command: 'view', path: '/memories' })
    expect(listed).not.toContain('ice.md')
  })

  longTest('tells a model that others change what it does, when they never end', async () => {
    const own = view()
    const path = '/memories/busy'
    await new ThermoclineMemoryTool(own).create({ command: 'create', path, file_text: 'a' })
    // Whoever writes here is overtaken each time.
    const update: typeof own.chunks.update = async (id, ...given) => {
      await own.chunks.update(id, { text: 'a' })
      return own.chunks.update(id, ...given)
    }
    const overtaken = new ThermoclineMemoryTool({ entries: own.entries, chunks: { update } } as never)
    const replace = { command: 'str_replace', path, old_str: 'a', new_str: 'b' } as const
    await expect(overtaken.str_replace(replace)).rejects.toThrow('Others change the same files just now')
  })

  longTest('tells a model that a directory has too many files to be changed at once', async () => {
    const own = view()
    const tool = new ThermoclineMemoryTool(own)
    await tool.create({ command: 'create', path: '/memories/many/first', file_text: '' })
    const metadata = { bytes: 1 }
    await own.chunks.putMany(
      Array.from({ length: 1_000 }, (_, nth) => ({ key: `/memories/many/${nth}`, text: 'x', metadata })),
    )
    const rename = { command: 'rename', old_path: '/memories/many', new_path: '/memories/more' } as const
    // None of them is read for it.
    const { entries, metadata: directories } = own
    const unread = new ThermoclineMemoryTool({ entries, metadata: directories, chunks: {} } as never)
    await expect(unread.rename(rename)).rejects.toThrow('Too many files at once')
    await expect(tool.delete({ command: 'delete', path: '/memories/many' })).rejects.toThrow('Too many files at once')
  })

  test('tells a model what no file can hold', async () => {
    const tool = new ThermoclineMemoryTool(view())
    const create = (path: string, file_text: string) => tool.create({ command: 'create', path, file_text })
    await expect(create('/memories/a', 'with \0 in it')).rejects.toThrow(/NUL.*Call again with that changed/s)
    await expect(create(`/memories/${'x'.repeat(600)}`, '')).rejects.toThrow(/512.*Call again with that changed/s)
    await expect(create('/memoriesa', '')).rejects.toThrow('Path must start with /memories')
  })
})

describe('the memory tool', () => {
  test('says of a store that is closed that it is to be left alone', async () => {
    const store = await openInMemory()
    const tool = new ThermoclineMemoryTool(store)
    await store.close()
    await expect(tool.view({ command: 'view', path: '/memories' })).rejects.toThrow(/ERR_CLOSED.*Go on without it/s)
    expect(() => new ThermoclineMemoryTool({} as never)).toThrow(
      expect.objectContaining({ code: 'ERR_INVALID_OPTIONS' }),
    )
  })
})
