import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { chunkMarkdown } from './chunk-markdown.ts'
import { readDefaultCorpus, readFolderCorpus } from './markdown-corpus.ts'
import { QUESTIONS } from './questions.ts'
import { Refusal } from './refusal.ts'

describe('the default corpus', () => {
  test('has at least 400 chunks from at least 10 documents', async () => {
    const documents = await readDefaultCorpus()
    expect(documents.length).toBeGreaterThanOrEqual(10)
    expect(documents.flatMap(({ source }) => chunkMarkdown(source)).length).toBeGreaterThanOrEqual(400)
  })

  test('holds the document that answers each of the 20 questions', async () => {
    const names = (await readDefaultCorpus()).map(({ name }) => name)
    expect(QUESTIONS).toHaveLength(20)
    expect(names).toEqual(expect.arrayContaining(QUESTIONS.map(({ document }) => document)))
  })
})

describe('a folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'thermocline-corpus-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function write(name: string, text: string): Promise<void> {
    await mkdir(join(folder, name, '..'), { recursive: true })
    await writeFile(join(folder, name), text)
  }

  test('gives its documentation, by name', async () => {
    for (const name of ['b.md', 'a/Z.MD', 'a/y.markdown', 'CHANGELOG.md', 'a/LICENSE.md', 'code.ts'])
      await write(name, name)
    for (const name of ['node_modules/x/README.md', '.hidden/x.md', '.x.md']) await write(name, name)
    expect(await readFolderCorpus(folder)).toEqual([
      { name: 'a/Z.MD', source: 'a/Z.MD' },
      { name: 'a/y.markdown', source: 'a/y.markdown' },
      { name: 'b.md', source: 'b.md' },
    ])
  })

  test('gives no U+0000, which cannot be stored', async () => {
    await write('a.md', 'a\0b')
    expect(await readFolderCorpus(folder)).toEqual([{ name: 'a.md', source: 'a\uFFFDb' }])
  })

  test('is refused where it is not there, is a file, or has no Markdown', async () => {
    await write('code.ts', '')
    for (const path of [join(folder, 'missing'), join(folder, 'code.ts'), folder])
      await expect(readFolderCorpus(path)).rejects.toThrow(Refusal)
  })
})
