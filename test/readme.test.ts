import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { describeWithServers } from './flow/stores.ts'
import { isThorough, longTest } from './tools/budget.ts'
import { runChildVitest } from './tools/child-vitest.ts'
import { examplesOf, runExample, runExamples, writeSuites } from './tools/examples.ts'
import { PrivatePostgres } from './tools/private-postgres.ts'

const ROOT = join(import.meta.dirname, '..')
const readme = await readFile(join(ROOT, 'README.md'), 'utf8')

/** By what the package calls it. */
const ENTRIES: Readonly<Record<string, string>> = {
  schema: 'cold/schema',
  langgraph: 'adapters/langgraph/langgraph',
  langchain: 'adapters/langchain/langchain',
  studio: 'studio/studio',
  otel: 'adapters/otel/start-telemetry',
  keyv: 'adapters/keyv/keyv-thermocline',
  mcp: 'adapters/mcp/memory-server',
  claude: 'adapters/claude/thermocline-session-store',
  anthropic: 'adapters/anthropic/memory-tool',
  'openai-agents': 'adapters/openai-agents/thermocline-session',
  ai: 'adapters/ai/memory-ai',
  testkit: 'testkit/testkit',
}

/** As it stands, with our code in place of the package. */
const examples = examplesOf(readme).map((code) =>
  code.replace(/'thermocline(?:\/([\w-]+))?'/g, (_, name) => `'../src/${name ? ENTRIES[name] : 'index'}.ts'`),
)
const onServers = examples.filter((code) => code.includes('process.env.DATABASE_URL'))
/** Files for vitest, which together are one example. */
const suites = examples.filter((code) => code.includes('testkit/'))
/** Words of those that the long run alone tries: the others of the kind, which suites of their own are about. */
const LEFT = [
  'order 17',
  'withMetadata(z',
  'atomic: true',
  'updateWhere',
  'raptorNodes',
  'prefetch',
  'chunks.pin(',
  'replaceDocument',
  'backup.ndjson',
  'const precision',
  "cold: { precision: 'int8' }",
  'tier-down',
  'new Registry',
  'startTelemetry',
  'KeyvThermocline',
  'MockLanguageModelV3',
  'ThermoclineSession',
  'ThermoclineMemoryTool',
  'ThermoclineSessionStore',
  'searchTree',
  'visibleTo',
  'monthAgo',
  'byAccessCount({ minAccesses: 10',
  'async function embedMany',
  'store.reembed(',
  'isWell',
  'alerts: { hitRatio: false }',
  'retryDeadLetters',
  '// my-store.ts',
  '// my-store.test.ts',
]
const left = isThorough ? [] : LEFT.map((words) => examples.find((code) => code.includes(words)))
const alone = examples.filter((code) => ![...onServers, ...suites, ...left].includes(code))
/** Which of them a test here has looked at. */
const seen = new Set<string>()

function exampleWith(words: string): string {
  const example = examples.find((code) => code.includes(words)) ?? ''
  seen.add(example)
  return example
}

/** What each prints that needs no server; all of them run with the first that is asked for. */
let running: Promise<string[]> | undefined

/** Milliseconds that the first may take; on a busy machine all of them take more than a minute. */
const WITH_ALL_OTHERS = 300_000

/** What the first example prints that has these words. */
async function printedBy(words: string): Promise<string> {
  running ??= runExamples(alone)
  return (await running)[alone.indexOf(exampleWith(words))]!
}

test('the example runs as it stands and prints what it found', { timeout: WITH_ALL_OTHERS }, async () => {
  expect(await printedBy('A thermocline is')).toMatch(/^A thermocline is .+ \{ theme: 'dark' \} 1 0\.9\d+\n$/)
})

longTest('the example of asking again runs as it stands', async () => {
  expect(await printedBy('order 17')).toBe('true\n')
})

longTest('the example of typed metadata refuses what the schema refuses', async () => {
  expect(await printedBy('withMetadata(z')).toBe('acme 0\nmetadata.stars\n')
})

test('the example of compare-and-set runs as it stands', async () => {
  expect(await printedBy('expectedVersion')).toBe("{ state: 'done', tries: 1 }\n")
})

longTest('the example of what is written all or none runs as it stands', async () => {
  expect(await printedBy('atomic: true')).toBe('[ { coins: 2 }, { coins: 5 } ]\n')
})

test('the example of `where` selects as it says', async () => {
  expect((await printedBy('metadataPath')).split('\n')).toEqual([
    "[ 'Warm water floats' ]",
    "[ 'Ice floats', 'Warm water floats' ]",
    "[ 'Ice floats' ]",
    "[ 'Ice floats' ]",
    "[ 'Cold water sinks' ]",
    '',
  ])
})

test('the example of search and of pages answers in the order that it says', async () => {
  expect((await printedBy('byText')).split('\n')).toEqual(['[ 1 ]', '3 3 1', '1 1 2', '[ 3, 2 ]', '[ 1 ]', ''])
})

test('the example of namespaces lists, counts and deletes them', async () => {
  expect((await printedBy('depth: 1')).split('\n')).toEqual([
    "[ 'acme > eu: 1', 'acme > us: 1', 'acme > us > notes: 1' ]",
    "[ [ 'acme', 3 ], [ 'initech', 1 ] ]",
    '2',
    '0 3',
    // On a busy machine a checkpoint comes first.
    expect.stringMatching(/^3 (3 3 0|0 3 3) \{\}$/),
    '{ matched: 3, deleted: 3 }',
    '',
  ])
})

longTest('the example of changing many counts what it says', async () => {
  expect((await printedBy('updateWhere')).split('\n')).toEqual([
    '{ matched: 1, updated: 1, skipped: 0 }',
    '{ matched: 1, updated: 1, skipped: 0 }',
    '{ matched: 2, deleted: 0 }',
    '{ matched: 2, deleted: 2 }',
    '',
  ])
})

test('the example of erasing leaves nothing in the folder', async () => {
  const [counted, ...rest] = (await printedBy('vacuum:')).split('\n{ matched: 1, erased: 1 }\n')
  expect(counted).toContain('matched: 1,\n  erased: 0,')
  expect(rest.join()).toMatch(/^1 \{\s+hot: 1,[^}]+log: \{ segments: 1, bytes: \d+ \}\s+\} \[\]\n\[\]\n$/)
})

longTest('the example of documents embeds what is new, and lists what there is', async () => {
  expect((await printedBy('replaceDocument')).split('\n')).toEqual([
    "embedding [ 'Ice floats', 'Warm water rises', 'Cold water sinks' ]",
    "embedding [ 'Warm water stays above' ]",
    '2 1 1',
    "[ '0 Ice floats', '1 Warm water stays above', '2 Cold water sinks' ]",
    "[ [ 'ice.md', 3 ] ]",
    '3',
    '',
  ])
})

longTest('the example of trees walks them down and up', async () => {
  expect((await printedBy('raptorNodes')).split('\n')).toEqual([
    "[ 'Cold water sinks', 'Ice floats', 'Warm water floats' ]",
    "[ 'Water moves by its warmth', 'What floats, and what sinks' ]",
    'true 1',
    '',
  ])
})

longTest('the example of moving says what became of each', async () => {
  expect(await printedBy('prefetch')).toBe('demoted\nrefused\n0\n')
})

longTest('the example of pinning says what became of it', async () => {
  expect(await printedBy('chunks.pin(')).toBe('pinned 1\npinned true\nunpinned\n')
})

longTest('the example of smaller embeddings shows what a rounded one is', async () => {
  expect(await printedBy('const precision')).toBe("[ '0.598', '0.800', '0.126' ]\n")
})

longTest(
  'the example of rounding what is there runs as it stands; what it does is in flow/precision.test.ts',
  async () => {
    expect(await printedBy("cold: { precision: 'int8' }")).toBe('')
  },
)

longTest('the example of events tells what was written', async () => {
  expect(await printedBy('tier-down')).toBe("[ [ 'default', 'chunk' ] ]\n")
})

test('the example of LangGraph knows what was said in another thread, and prunes', async () => {
  expect(await printedBy('ThermoclineSaver')).toBe('You said 1 things here; I knew 1.\n4\n')
})

test('the example of LangChain skips what is indexed, and finds', async () => {
  expect((await printedBy('ThermoclineVectorStore')).split('\n')).toEqual([
    '{ numAdded: 0, numDeleted: 1, numUpdated: 0, numSkipped: 2 }',
    'salt melts ice ice.md',
    "[ 'human', 'ai' ]",
    '',
  ])
})

longTest('the example of a registry has our numbers beside those of the program', async () => {
  expect(await printedBy('new Registry')).toBe("[ 'orders_total 1', 'thermocline_live{store=\"main\"} 1' ]\n")
})

longTest('the example of OpenTelemetry runs as it stands', async () => {
  expect(await printedBy('startTelemetry')).toBe('')
})

longTest('the example of Keyv runs as it stands', async () => {
  expect(await printedBy('KeyvThermocline')).toBe("{ cart: [ 'ice' ] } false\nann\n")
})

test('the example of MCP recalls what was remembered', async () => {
  expect(await printedBy('createMemoryServer')).toBe('true\n')
})

longTest('the example of the AI SDK tells a model what it was told before', async () => {
  expect(await printedBy('MockLanguageModelV3')).toBe('Without nuts.\n')
})

longTest('the example of OpenAI Agents goes on with a conversation', async () => {
  expect(await printedBy('ThermoclineSession')).toBe('3 heard 1\n')
})

longTest("the example of Anthropic's memory tool shows the file that it made", async () => {
  expect(await printedBy('ThermoclineMemoryTool')).toBe(
    "Here's the content of /memories/diet.md with line numbers:\n     1\tAda cannot eat nuts\n",
  )
})

longTest('the example of the Claude Agent SDK loads what was appended', async () => {
  expect(await printedBy('ThermoclineSessionStore')).toBe('1 1\n')
})

longTest('the recipe of RAPTOR builds a tree, searches it and keeps it fresh', async () => {
  expect((await printedBy('searchTree')).split('\n')).toEqual([
    'About About, About 4',
    '3 3',
    '[ [ 1, 1, 0 ], [ 2, 0, 1 ] ]',
    '2 0',
    '',
  ])
})

describeWithServers('the example of Redis and Postgres', (servers) => {
  test('runs as it stands', async () => {
    const { hot, cold } = await servers.shared()
    expect(await runExample(exampleWith('shared by every'), { REDIS_URL: hot.url, DATABASE_URL: cold.url })).toBe(
      'shared by every backend\n',
    )
  })
})

describeWithServers("the example of queries of one's own", (servers) => {
  test('joins entries with a table of its own', async () => {
    const { hot, cold } = await servers.shared()
    // A client of postgres.js finds a server by its port; the one that tests share has a socket alone.
    await using server = cold.url.includes('?host=') ? await PrivatePostgres.start({ onPort: true }) : undefined
    const env = { REDIS_URL: hot.url, DATABASE_URL: server?.tcpUrl() ?? cold.url }
    expect(await runExample(exampleWith('liveEntries'), env)).toBe("[ { title: 'On ice', chunks: 2 } ]\n")
  })
})

longTest('the example of archives takes out and in what it says', async () => {
  expect((await printedBy('backup.ndjson')).split('\n')).toEqual([
    '1 { entries: 2, written: 2, unchanged: 0, skipped: 0, expired: 0 }',
    '{ entries: 1, written: 1, unchanged: 0, skipped: 0, expired: 0 }',
    '',
  ])
})

test('the recipe of chat memory reads back what was said, in order', async () => {
  expect((await printedBy('conversation(')).split('\n')).toEqual([
    "[ 'assistant: Noted.', 'user: What should I eat?' ]",
    'I am allergic to nuts.',
    '{ matched: 3, deleted: 3 }',
    '',
  ])
})

longTest('the recipe of many tenants shows each its own', async () => {
  expect((await printedBy('visibleTo')).split('\n')).toEqual([
    "[ [ 'Refunds within 30 days', 1, 1 ] ]",
    '[',
    "  'tenant/acme: Refunds within 30 days',",
    "  'tenant/acme: Stock is counted monthly',",
    "  'tenant/acme inc: Refunds never'",
    ']',
    '{ matched: 2, deleted: 0 }',
    '{ matched: 2, deleted: 2 }',
    '',
  ])
})

longTest('the recipe of memory that fades recalls what matters', async () => {
  expect(await printedBy('monthAgo')).toBe("[ 'Bob moves to Lisbon in May' ]\n{ matched: 0, deleted: 0 }\n")
})

longTest('the example of policies runs as it stands', async () => {
  expect(await printedBy('byAccessCount({ minAccesses: 10')).toBe('0 0 0\n')
})

longTest('the example of embedding has the model asked for each text once', async () => {
  expect(await printedBy('async function embedMany')).toBe('document 1\ndocument 1\nquery 1\nquery 1\n1 my-model-1\n')
})

longTest('the example of another model moves what there is', async () => {
  expect(await printedBy('store.reembed(')).toBe('1\n1 of 1\n{ matched: 1, moved: 1, refused: 0 }\n')
})

test('the example of the studio is served', async () => {
  expect(await printedBy('toNodeListener')).toMatch(/^\{ address: '127\.0\.0\.1', family: 'IPv4', port: \d+ \}\n$/)
})

longTest('the examples of probes, alerts and dead letters run as they stand', async () => {
  expect(await printedBy('isWell')).toBe('')
  expect(await printedBy('alerts: { hitRatio: false }')).toBe('[]\n')
  expect(await printedBy('retryDeadLetters')).toBe('{ matched: 0, written: 0, superseded: 0, refused: {} }\n')
})

/** Processes are started, killed and started again. */
const SUITES = { timeout: 600_000 }

longTest("the suites for a store of one's own pass as they stand", SUITES, async () => {
  const written = await writeSuites([exampleWith('// my-store.ts'), exampleWith('// my-store.test.ts')])
  const told = await runChildVitest(written)
  expect(told.filter(({ status }) => status !== 'passed')).toEqual([])
  expect(told.length).toBeGreaterThan(20)
})

/** A hot tier as a user has it, in few lines. */
const MY_HOT_TIER = `// my-hot-tier.ts
import { InProcessHotTier } from '../src/hot/in-process/in-process-hot-tier.ts'
export class MyHotTier extends InProcessHotTier {
  constructor(opening) { super({ maxEntries: 1_000, maxBytes: 1_000_000, ...opening }) }
}`

test("the suite for a hot tier of one's own passes as it stands", SUITES, async () => {
  const told = await runChildVitest(await writeSuites([MY_HOT_TIER, exampleWith('// my-hot-tier.test.ts')]))
  expect(told.filter(({ status }) => status !== 'passed')).toEqual([])
  expect(told).toHaveLength(68)
})

test('there is no other example', () => {
  expect(examples.filter((code) => !seen.has(code) && !left.includes(code))).toEqual([])
  expect(left).not.toContain(undefined)
})
