import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunkMarkdown, MAX_CHARACTERS, MAX_FENCE_CHARACTERS } from './chunk-markdown.ts'
import { readDefaultCorpus } from './markdown-corpus.ts'

const letters = (text: string): string => text.replace(/\s+/g, '')
const sentence = 'Warm water stays above the cold. '

describe('no text is lost', () => {
  const block = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 900 }),
    fc.constantFrom(
      '# One',
      '### Three',
      'Setext\n===',
      '- a\n- b\n\n  c',
      '```js\nlet a\n```',
      '~~~\nopen',
      '> quote',
      '| a |\n| - |\n| b |',
    ),
    fc.constantFrom(
      '<p align="center">\n\nwords\n\n</p>',
      '    indented code',
      '[a]: https://example.org',
      '\ttab',
      '***',
      'a\r\nb',
    ),
    fc.nat({ max: 60 }).map((count) => sentence.repeat(count)),
    fc.nat({ max: 90 }).map((count) => `\`\`\`\n${`${sentence}\n`.repeat(count)}\`\`\``),
  )

  test('of any document', () => {
    const document = fc.array(block, { maxLength: 12 }).map((blocks) => blocks.join('\n\n'))
    fc.assert(
      fc.property(document, (source) => {
        const chunks = chunkMarkdown(source)
        expect(letters(chunks.map((chunk) => chunk.text).join(''))).toBe(letters(source))
        for (const { text } of chunks) {
          expect(text.trim()).not.toBe('')
          expect(text.length).toBeLessThanOrEqual(MAX_FENCE_CHARACTERS)
          expect(text.isWellFormed()).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('of the default corpus', async () => {
    for (const { name, source } of await readDefaultCorpus()) {
      const text = chunkMarkdown(source).map((chunk) => chunk.text)
      expect(letters(text.join('')), name).toBe(letters(source))
    }
  })
})

test('a chunk of prose stays within its bound', () => {
  const chunks = chunkMarkdown(`# Title\n\n${sentence.repeat(100)}`)
  for (const { text } of chunks) expect(text.length).toBeLessThanOrEqual(MAX_CHARACTERS)
  expect(chunks.length).toBeLessThan(10)
})

test('prose is cut after a sentence', () => {
  const [first] = chunkMarkdown(sentence.repeat(100))
  expect(first?.text.endsWith('cold.')).toBe(true)
})

test('a code fence stays whole with its heading, though it passes the bound of prose', () => {
  const fence = `\`\`\`js\n${'const depth = 1\n'.repeat(60)}\`\`\``
  expect(fence.length).toBeGreaterThan(MAX_CHARACTERS)
  const chunks = chunkMarkdown(`Before.\n\n## Example\n\n${fence}\n\nAfter.`)
  expect(chunks.map((chunk) => chunk.text)).toEqual(['Before.', `## Example\n\n${fence}`, 'After.'])
})

test('a code fence beyond its own bound is cut between lines', () => {
  const line = 'const depth = 1'
  const chunks = chunkMarkdown(`\`\`\`js\n${`${line}\n`.repeat(300)}\`\`\``)
  expect(chunks.length).toBeGreaterThan(2)
  const lines = chunks.flatMap((chunk) => chunk.text.split('\n'))
  expect(lines.filter((each) => each === line)).toHaveLength(300)
})

test('each chunk knows the headings above it', () => {
  const source = '# Guide\n\n### Deep\n\nA.\n\n## Reading\n\nB.\n\n## Writing\n\n### Batches\n\nC.\n\n# Other\n\nD.'
  expect(chunkMarkdown(source).map(({ headings }) => headings)).toEqual([
    ['Guide', 'Deep'],
    ['Guide', 'Reading'],
    ['Guide', 'Writing', 'Batches'],
    ['Other'],
  ])
})

test('a heading stays with what follows it', () => {
  const chunks = chunkMarkdown(`${sentence.repeat(17)}\n\n## Next\n\n${sentence.repeat(15)}`)
  expect(chunks[1]?.text).toMatch(/^## Next\n\nWarm/)
})
