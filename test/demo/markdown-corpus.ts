/**
 * Finds the Markdown that the demo works on: a folder of the user's, or the documentation of this project's own
 * dependencies as `npm install` left it. Always in the same order, so that two runs write the same chunks.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Refusal } from './refusal.ts'

export interface MarkdownDocument {
  /** Path below the corpus' root, with `/` between the parts: `ioredis/README.md`. */
  readonly name: string
  readonly source: string
}

/** Fixed, and of packages that package-lock.json pins, so that the questions have known answers. */
export const DEFAULT_DOCUMENTS: readonly string[] = [
  '@electric-sql/pglite/README.md',
  'cli-progress/README.md',
  'crc-32/README.md',
  'croner/README.md',
  'drizzle-orm/README.md',
  'ioredis/README.md',
  'pino/README.md',
  'pino/docs/asynchronous.md',
  'pino/docs/child-loggers.md',
  'pino/docs/help.md',
  'pino/docs/redaction.md',
  'postgres/README.md',
  'uuid/README.md',
  'zod/README.md',
]

const NODE_MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url))
/** A document's name is its `documentId`, which holds 512 bytes, and the start of its chunks' keys. */
const MAX_NAME_BYTES = 480
const MARKDOWN = /\.(?:md|markdown)$/i
const NOT_DOCUMENTATION = /^(?:change(?:s|log)|history|licen[cs]e|copying)/i

export async function readDefaultCorpus(): Promise<MarkdownDocument[]> {
  try {
    return await readDocuments(NODE_MODULES, DEFAULT_DOCUMENTS)
  } catch (cause) {
    throw new Refusal('the documentation of the dependencies is not there: run `npm install` first', { cause })
  }
}

export async function readFolderCorpus(folder: string): Promise<MarkdownDocument[]> {
  const stats = await stat(folder).catch(() => undefined)
  if (!stats?.isDirectory())
    throw new Refusal(`${folder} is no folder that can be read: name one with Markdown, or none for the default`)
  const names = await markdownBelow(folder, folder)
  if (names.length === 0)
    throw new Refusal(`${folder} has no Markdown (*.md): name a folder that has some, or none for the default`)
  return readDocuments(folder, names.sort())
}

/** What other tools keep below a folder (node_modules, dot folders) is not its text. */
async function markdownBelow(root: string, folder: string): Promise<string[]> {
  const names: string[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    if (entry.isDirectory()) names.push(...(await markdownBelow(root, path)))
    else if (entry.isFile() && MARKDOWN.test(entry.name) && !NOT_DOCUMENTATION.test(entry.name))
      names.push(relative(root, path).split(sep).join('/'))
  }
  return names
}

async function readDocuments(root: string, names: readonly string[]): Promise<MarkdownDocument[]> {
  const documents: MarkdownDocument[] = []
  for (const name of names) {
    if (Buffer.byteLength(name) > MAX_NAME_BYTES)
      throw new Refusal(`a path below ${root} has more than ${MAX_NAME_BYTES} bytes: name a deeper folder`)
    // U+0000 reads as U+FFFD in CommonMark, and Postgres cannot store it.
    documents.push({ name, source: (await readFile(join(root, name), 'utf8')).replaceAll('\0', '\uFFFD') })
  }
  return documents
}
