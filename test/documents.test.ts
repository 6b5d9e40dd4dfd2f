/** What documents and comments point at is there: files, headings, rules, and the tests that prove a rule. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { examplesOf, runExample } from './tools/examples.ts'

const ROOT = join(import.meta.dirname, '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const isThere = (path: string): boolean => existsSync(join(ROOT, path))

const FOLDERS = ['src', 'test', 'drizzle', '.github', '.ci']
const files = [
  ...readdirSync(ROOT, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [entry.name] : [])),
  ...FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  ),
  // What the benchmarks are measured against may be installed beside them.
].filter((file) => !file.includes('node_modules'))
const documents = files.filter((file) => file.endsWith('.md'))
/** Not this one, which quotes what is wrong, nor what is made from others. */
const sources = files.filter((file) => /\.(ts|mts|js|mjs)$/.test(file) && !/\.embedded\.ts$|documents\.test/.test(file))

/** As a heading is named in a link. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

function anchorsIn(path: string): string[] {
  return [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!))
}

/** Links within the repository that lead nowhere. */
function brokenLinks(document: string, text: string): string[] {
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false
    const [path, anchor] = link.split('#')
    const target = path === '' ? document : join(dirname(document), path!)
    return !isThere(target) || (anchor !== undefined && !anchorsIn(target).includes(anchor))
  })
}

describe.each(documents)('%s', (document) => {
  test('links to what is there', () => {
    expect(brokenLinks(document, read(document))).toEqual([])
  })

  test('names files that are there', () => {
    const quoted = [...read(document).matchAll(/`([^`\s*…<]+)`/g)].map(([, text]) => text!)
    const named = quoted.filter((text) => text.includes('/') && (/\.(ts|js|md)$/.test(text) || isInFolder(text)))
    const wrong = named.filter((path) => !isThere(path) && !isThere(join(dirname(document), path)))
    expect(wrong.filter((path) => !path.includes('NAME'))).toEqual([])
  })
})

const isInFolder = (path: string): boolean => FOLDERS.some((folder) => path.startsWith(`${folder}/`))

test('the map of the code has every folder and every loose file of src', () => {
  const map = read('src/README.md')
  const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .filter((name) => name !== 'README.md')
  expect(rooms.filter((name) => !map.includes(`\`${name}\``))).toEqual([])
})

test('the map of the code has the layers that are checked, in their order', () => {
  const table = read('src/README.md').split('## Layers')[1]!.split('\n## ')[0]!
  const checked = [...read('test/layers.test.ts').matchAll(/^ {2}\['(\w+)', \//gm)].map(([, layer]) => layer)
  expect(checked.length).toBeGreaterThan(5)
  expect([...table.matchAll(/^\| ([a-z]+) /gm)].map(([, layer]) => layer)).toEqual(['layer', ...checked])
})

test('the map of the code names what is in the file that it names', () => {
  const named = [...read('src/README.md').matchAll(/`([\w./-]+\.\w+)` \(((?:`[^`]+`(?:, )?)+)\)/g)]
  expect(named.length).toBeGreaterThan(15)
  const missing = named.flatMap(([, file, names]) => {
    const source = read(isThere(`src/${file}`) ? `src/${file}` : file!)
    const all = [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
    return all.filter((name) => !source.includes(name)).map((name) => `${file} (${name})`)
  })
  expect(missing).toEqual([])
})

describe('the rules of consistency', () => {
  const rules = read('src/flow/README.md')
  const numbers = [...rules.matchAll(/^\*\*([A-Z]\d+)\.\*\*/gm)].map(([, number]) => number!)
  const proofs = [...rules.matchAll(/^- `([^`]+)`: (.+)$/gm)].map(([, file, titles]) => ({
    file: file!,
    titles: [...titles!.matchAll(/"([^"]+)"/g)].map(([, title]) => title!),
  }))

  test('are numbered, each once', () => {
    expect(numbers.length).toBeGreaterThan(30)
    expect(new Set(numbers).size).toBe(numbers.length)
  })

  test('have a test each', () => {
    const paragraphs = rules.split(/^(?=\*\*[A-Z]\d+\.\*\*|## )/m).filter((text) => text.startsWith('**'))
    expect(
      paragraphs.filter((text) => !/^- `(test|src\/testkit)\//m.test(text)).map((text) => text.slice(0, 8)),
    ).toEqual([])
  })

  test.each(proofs)('$file has the tests that prove them', ({ file, titles }) => {
    const source = read(file)
    expect(titles.length).toBeGreaterThan(0)
    expect(titles.filter((title) => !source.includes(title))).toEqual([])
  })

  test('are cited by numbers that there are', () => {
    const citing = sources.flatMap((source) =>
      commentsIn(read(source)).flatMap((comment) => (comment.includes('flow/README.md') ? [{ source, comment }] : [])),
    )
    const cited = citing.map(({ source, comment }) => ({ source, rules: comment.match(/\b[A-Z]\d{1,2}\b/g) ?? [] }))
    expect(cited.length).toBeGreaterThan(3)
    const isWrong = (rules: readonly string[]) => rules.length === 0 || rules.some((rule) => !numbers.includes(rule))
    expect(cited.filter(({ rules }) => isWrong(rules))).toEqual([])
  })
})

/** Blocks and single lines; a URL is none. */
function commentsIn(source: string): string[] {
  return source.match(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g) ?? []
}

/** Names that are no files of ours: the client of Postgres, what a test makes, and what a user has. */
const OTHER_NAMES = new Set([
  ...['postgres.js', 'app.mjs', 'seven.ts', 'nowhere.ts'],
  ...['my-store.js', 'my-store.ts', 'my-store.test.ts', 'my-hot-tier.ts', 'my-hot-tier.test.ts'],
])
const names = new Set(files.map((file) => basename(file)))

/** What a comment refers to and a clone does not have. */
function missingIn(source: string, comment: string): string[] {
  const linked = [...comment.matchAll(/\{@link (\.[^}\s]*)/g)].map(([, path]) => path!)
  const named = comment.match(/[\w./-]*[\w-]\.(?:ts|js|mjs|md|sql)\b/g) ?? []
  const elsewhere = comment.match(/\b(?:design|architecture) notes?\b|\bthe design(?! notes?)\b|\.\.\/shared\b/gi) ?? []
  return [
    ...linked.filter((path) => !isThere(join(dirname(source), path)) && !OTHER_NAMES.has(basename(path))),
    ...named.filter((name) => !names.has(basename(name)) && !OTHER_NAMES.has(basename(name))),
    ...elsewhere,
  ]
}

describe('comments', () => {
  test('cite what a clone has', () => {
    const missing = sources.map((source) => ({
      source,
      missing: commentsIn(read(source)).flatMap((comment) => missingIn(source, comment)),
    }))
    expect(missing.filter((found) => found.missing.length > 0)).toEqual([])
  })

  test.each([
    ['// see format.ts', []],
    ['/** See {@link ../src/index.ts}. */', []],
    ['// see formats.ts and FACTS.md', ['formats.ts', 'FACTS.md']],
    ['/** See {@link ../src/nothing.ts}. */', ['../src/nothing.ts', '../src/nothing.ts']],
    ['/** As the design notes have it. */', ['design notes']],
  ])('like %j are judged as they should be', (comment, missing) => {
    expect(missingIn('test/documents.test.ts', comment)).toEqual(missing)
  })
})

test('the example of the write-ahead log runs as it stands', async () => {
  const [example] = examplesOf(read('src/wal/README.md'))
  const printed = await runExample(example!.replaceAll("'./", "'../src/wal/"))
  expect(printed.split('\n')).toEqual(["durable: [ 'mine' ]", 'put true what the record holds', '1 [] undefined', ''])
})

test('an optional peer whose types alone are used may be of a later version, and the lock knows it', () => {
  const { peerDependencies: peers } = JSON.parse(read('package.json'))
  expect(JSON.parse(read('package-lock.json')).packages[''].peerDependencies).toEqual(peers)
  const adapters = sources.filter((file) => file.startsWith('src/adapters/')).map(read)
  const importing = (peer: string, how: string) => new RegExp(`^${how}[^;']* from '${peer}['/]`, 'm')
  const typed = Object.keys(peers).filter(
    (peer) =>
      adapters.some((text) => importing(peer, 'import type ').test(text)) &&
      !adapters.some((text) => importing(peer, 'import (?!type )').test(text)),
  )
  expect(typed).toEqual(expect.arrayContaining(['ai', '@anthropic-ai/sdk', '@openai/agents-core']))
  // npm refuses to install beside another version, also where nobody uses the adapter.
  for (const peer of typed) expect(peers[peer], peer).toMatch(/^>=/)
})
