/** The README names every call, option, operator, error, command and flag that the code has, and none besides. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { EXIT } from '../src/cli/exit-code.ts'
import * as schema from '../src/cold/schema.ts'
import { DEFAULTS } from '../src/default-options.ts'
import { ENTRY_KINDS } from '../src/entry/memory-entry.ts'
import * as api from '../src/index.ts'
import { isThermoclineError, SyncWorker, ThermoclineError } from '../src/index.ts'
import { parseWhere } from '../src/query/where.ts'
import { CALL_DEFAULTS, CALLS } from '../src/repository/calls.ts'
import { ChunkRepository } from '../src/repository/chunk-repository.ts'
import { MemoryRepository } from '../src/repository/memory-repository.ts'
import { NamespaceView } from '../src/repository/namespace-view.ts'
import { RaptorRepository } from '../src/repository/raptor-repository.ts'
import { MemoryStore } from '../src/store/memory-store.ts'
import { openInMemory } from './flow/stores.ts'
import { examplesOf } from './tools/examples.ts'

const SRC = join(import.meta.dirname, '../src')
const readme = readFileSync(join(SRC, '../README.md'), 'utf8')
const code = [...codeIn(readme.replace(/```[\s\S]*?```/g, '')), ...examplesOf(readme)]

function codeIn(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!)
}

/** Cells of the rows of the table whose first column has this head. */
function table(head: string): string[][] {
  const [, below] = readme.split(new RegExp(`^\\| ${head} +\\|.*\\n\\|[-| ]+\\|\\n`, 'm'))
  expect(below, `a table of "${head}"`).toBeDefined()
  const rows = below!.split('\n').slice(
    0,
    below!.split('\n').findIndex((line) => !line.startsWith('|')),
  )
  return rows.map((row) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  )
}

/** What is not among the code of the README, as a word of it. */
function unnamed(names: readonly string[]): string[] {
  return names.filter((name) => !code.some((span) => new RegExp(`(?<![\\w])${name}(?![\\w])`).test(span)))
}

/** The names that the refusal of what nobody knows lists. */
function namedBy(refusing: () => unknown): { readonly message: string; readonly names: string[] } {
  try {
    refusing()
  } catch (error) {
    if (!isThermoclineError(error)) throw error
    return { message: error.message, names: codeIn(error.message.split('; ').at(-1)!) }
  }
  throw new Error('nothing was refused')
}

describe('calls', () => {
  const taken = Object.values(CALLS).map((check) => {
    const { message, names } = namedBy(() => check({ '?': 1 }))
    return { call: message.split(' ')[0]!, options: names }
  })
  const calls = [...new Set(taken.map(({ call }) => call))]
  const lines = ['write', 'read', 'find', 'move', 'document', 'tree', 'of the store and of namespaces']
    .flatMap((head) => table(head).flatMap(([line]) => codeIn(line!)))
    .filter((line) => !line.includes('…'))

  test('have a line of code each', () => {
    const all = [...lines, ...examplesOf(readme)]
    expect(calls.filter((call) => !all.some((line) => line.includes(`.${call}(`)))).toEqual([])
  })

  test('and everything else that is public has its name in it', () => {
    const classes = [MemoryStore, NamespaceView, MemoryRepository, ChunkRepository, RaptorRepository, SyncWorker]
    const members = classes.flatMap((one) => Object.getOwnPropertyNames(one.prototype))
    expect(members.length).toBeGreaterThan(60)
    expect(unnamed(members.filter((name) => name !== 'constructor'))).toEqual([])
    expect(unnamed(Object.keys(api))).toEqual([])
    expect(unnamed(Object.keys(schema))).toEqual([])
    expect(unnamed(ENTRY_KINDS)).toEqual([])
  })

  test('each line runs', async () => {
    await using store = await openInMemory()
    for (const line of lines) await expect(runLine(store, line), line).resolves.toBeUndefined()
  })

  test.each(table('option of a call'))('the option %s is of %s', (option, of) => {
    const named = (list: string): string[] => list.split(', ').map((call) => call.replaceAll('`', ''))
    const documented = of!.startsWith('every call')
      ? calls.filter((call) => !named(of!.replace(/^every call( but )?/, '')).includes(call))
      : named(of!)
    for (const name of named(option!)) {
      const having = taken.filter(({ options }) => options.includes(name)).map(({ call }) => call)
      expect(documented.sort(), name).toEqual([...new Set(having)].sort())
    }
  })

  const rowOf = (option: string): string[] | undefined =>
    table('option of a call').find(([names]) => codeIn(names!).includes(option))

  test('have no other option', () => {
    const options = new Set(taken.flatMap(({ options }) => options))
    expect([...options].filter((option) => rowOf(option) === undefined)).toEqual([])
  })

  test('have the defaults that stand there', () => {
    for (const [option, value] of Object.values(CALL_DEFAULTS).flatMap((defaults) => Object.entries(defaults)))
      for (const [name, one] of typeof value === 'object' ? Object.entries(value) : [[undefined, value] as const]) {
        const text = typeof one === 'number' ? one.toLocaleString('en').replace(',', ' ') : `${one}`
        expect(rowOf(option)?.[2], option).toContain(name === undefined ? text : `${name}: ${text}`)
      }
  })
})

/** In a store that has what the lines speak of, whatever lines before have done. */
async function runLine(store: MemoryStore, line: string): Promise<void> {
  const { chunks, raptorNodes } = store
  const embedding = [1, 0, 0]
  const [ice, water] = await chunks.putMany([
    { key: 'ice', text: 'Ice floats', documentId: 'ice.md', embedding },
    { key: 'water', text: 'Warm water floats', embedding },
  ])
  const { id: node } = await raptorNodes.put({
    key: 'node',
    level: 1,
    summary: 'Floats',
    children: [ice!.id],
    embedding,
  })
  const names = {
    ...{ store, chunks, raptorNodes, acme: store.namespace('acme'), namespaceSegments: api.namespaceSegments },
    ...{ id: ice!.id, other: water!.id, version: ice!.version, node, embedding },
    ...{ schema: z.object({ stars: z.number() }), console: { log: () => {} } },
    embed: async (texts: string[]) => texts.map(() => embedding),
  }
  const statement = line.startsWith('for ') ? line : `await (${line})`
  const run = new Function(...Object.keys(names), `return (async () => { ${statement} })()`)
  await run(...Object.values(names))
}

describe('where', () => {
  const operators = namedOf(() => parseWhere({ text: { '?': 1 } } as never))
  const fields = namedOf(() => parseWhere({ '?': 1 } as never))
  const rows = table('operator')

  /** As a list without quotes, behind "it has" or "these can:". */
  function namedOf(refusing: () => unknown): string[] {
    return namedBy(refusing)
      .message.split(/it has |these can: /)[1]!
      .split(', ')
  }

  test('has every operator in the table, and no other', () => {
    const documented = rows.flatMap(([names]) => codeIn(names!))
    expect(documented.sort()).toEqual([...operators, 'and', 'or', 'not'].sort())
  })

  test('has every field', () => {
    expect(fields.length).toBeGreaterThan(15)
    expect(unnamed(fields.filter((name) => !name.includes('…')))).toEqual([])
  })

  test.each(rows)('%s is used as %s', (names, as) => {
    const where = new Function(`return (${codeIn(as!)[0]})`)()
    expect(parseWhere(where).length).toBeGreaterThan(0)
    for (const name of codeIn(names!)) if (/not|exists|starts/.test(name)) expect(as).toContain(name)
  })
})

describe('opening', () => {
  test('has every option in the table', () => {
    const source = readFileSync(join(SRC, 'options.ts'), 'utf8')
    const documented = table('option(?= +\\| default)').flatMap(([names, ...rest]) => [...codeIn(names!), ...rest])
    for (const [, name, body] of source.matchAll(/^(?:export )?interface (\w+)Options [^{]*\{([\s\S]*?)^\}/gm)) {
      const group = Object.keys(DEFAULTS).find((known) => new RegExp(`${known}s?$`, 'i').test(`${name}s`))
      for (const [, option] of body!.matchAll(/^ {2}readonly (\w+)\?: (?!undefined)/gm)) {
        const full = name === 'MemoryStore' ? option! : `${group}.${option}`
        const isThere = documented.some(
          (text) => text === full || text.startsWith(`${full}.`) || text.includes(`${option}: `),
        )
        expect(isThere, full).toBe(true)
      }
    }
  })
})

describe('errors', () => {
  const source = readFileSync(join(SRC, 'errors.ts'), 'utf8')
  const codes = [...new Set([...source.matchAll(/^ {2}(ERR_[A-Z_]+):/gm)].map(([, code]) => code!))]

  test('have a heading each', () => {
    expect(codes.length).toBeGreaterThan(10)
    expect([...readme.matchAll(/^### (ERR_[A-Z_]+)$/gm)].map(([, code]) => code).sort()).toEqual(codes.sort())
  })

  test('are said to be retryable where they are', () => {
    const sentence = readme.match(/`retryable` is true of ([\s\S]*?):/)![1]!
    const retryable = codes.filter((code) => new ThermoclineError(code as 'ERR_CLOSED', '', {}).retryable)
    expect(codeIn(sentence).sort()).toEqual(retryable.sort())
  })
})

describe('commands', async () => {
  const commands = await readCommands()

  test('stand in the table', () => {
    const documented = table('command').flatMap(([names]) => codeIn(names!).map((name) => name.split(' ')[0]))
    const names = commands.map(({ name }) => name).filter((name) => !name.includes(' '))
    expect(names.length).toBeGreaterThan(5)
    expect(documented.sort()).toEqual(names.sort())
    expect(unnamed(commands.map(({ name }) => name))).toEqual([])
  })

  test('have the flags that stand in the other one', () => {
    const named = (of: string) =>
      of.startsWith('every command but ')
        ? commands.map(({ name }) => name).filter((name) => !codeIn(of).includes(name))
        : codeIn(of)
    const documented = table('flag').map(([flag, of]) => `${codeIn(flag!)} of ${named(of!).sort().join(', ')}`)
    const flags = [...new Set(commands.flatMap((command) => command.flags))]
    const actual = flags.map((flag) => {
      const having = commands.filter((command) => command.flags.includes(flag)).map(({ name }) => name)
      return `${flag} of ${having.length === commands.length ? '' : having.sort().join(', ')}`
    })
    expect(documented.sort()).toEqual(actual.sort())
  })

  test('have the exit codes that stand there', () => {
    const [, listed] = readme.match(/Exit codes: ([\s\S]*?)\.\n/)!
    expect(listed!.match(/\b\d+(?= )/g)?.map(Number)).toEqual(Object.values(EXIT))
  })

  test('read the variables that stand there, and no other', () => {
    const known = readFileSync(join(SRC, 'cli/environment.ts'), 'utf8').match(/\b[A-Z]+_[A-Z]+\b/g) ?? []
    const documented = table('variable').flatMap(([name]) => codeIn(name!))
    expect(documented.sort()).toEqual([...new Set(known)].sort())
  })
})

/** Those of `src/cli`, and what they have below them, each with all its flags. */
async function readCommands(): Promise<{ readonly name: string; readonly flags: readonly string[] }[]> {
  const files = readdirSync(join(SRC, 'cli')).filter((file) => file !== 'main.ts')
  const modules = await Promise.all(files.map((file) => import(join(SRC, 'cli', file))))
  const makers = modules.flatMap((module: object) => Object.entries(module)).filter(([name]) => /Command$/.test(name))
  const created = makers.map(([, make]) => make() as Command)
  return created.flatMap((command) => [command, ...command.commands].map((one) => describeCommand(one, command)))
}

function describeCommand(command: Command, parent: Command): { name: string; flags: string[] } {
  const name = command === parent ? command.name() : `${parent.name()} ${command.name()}`
  return { name, flags: [...new Set([...parent.options, ...command.options].map(({ long }) => long!))] }
}
