/**
 * `thermocline/anthropic`: the memory tool of Anthropic's API, whose files are in a store. What a model is answered is
 * what it is answered by upstream's own tool over a folder; how files are kept is decided in memory-files.ts.
 */
import { posix } from 'node:path'
import type { MemoryToolHandlers } from '@anthropic-ai/sdk/helpers/beta/memory'
import type { MemoryStore, NamespaceView } from '../../index.ts'
import { checkStore } from '../in-common/check-store.ts'
import { type Advice, failureOf, ToolFailure } from '../memory-tools/tool-failure.ts'
import { MemoryFiles, type Node, ROOT } from './memory-files.ts'

type Command<C extends keyof MemoryToolHandlers> = Parameters<MemoryToolHandlers[C]>[0]

const MOST_LINES = 999_999
const NUMBER_WIDTH = String(MOST_LINES).length
/** Levels below a directory that a view shows. */
const DEPTH = 2
/** What most file systems say of a directory that is not long. */
const DIRECTORY_BYTES = 4096
/** Lines that are named of those that have what should be there once. */
const MOST_NAMED = 100
/** Lines that are shown before and after one that was changed. */
const AROUND = 2

/**
 * The handlers of `betaMemoryTool`. Each command that changes something is done whole or not at all, is in the database
 * when it resolves, and needs both tiers; of those that change one file at the same time each sees what the one before
 * made of it. What is refused, and what fails, rejects with what the model is to be told.
 */
export class ThermoclineMemoryTool implements MemoryToolHandlers {
  readonly #files: MemoryFiles

  /** @param store or a view of one, with nothing else in it: `store.namespace('agent', 'ada')`. */
  constructor(store: MemoryStore | NamespaceView) {
    checkStore('ThermoclineMemoryTool', store)
    this.#files = new MemoryFiles(store as NamespaceView)
  }

  view({ path, view_range: range }: Command<'view'>): Promise<string> {
    return told(async () => {
      const at = placeOf(path)
      const found = await this.#files.find(at)
      if (found === undefined) throw notThere(path)
      return found.kind === 'chunk' ? numbered(path, found.text, range) : listing(path, at, await this.#files.below(at))
    })
  }

  create({ path, file_text: text }: Command<'create'>): Promise<string> {
    return changing(async () => {
      const at = placeOf(path)
      await this.#files.change(async () => {
        if ((await this.#files.find(at)) !== undefined) throw new ToolFailure(`File ${path} already exists`)
        return (await this.#files.creation(at, text)) ?? below(path)
      })
      return `File created successfully at: ${path}`
    })
  }

  str_replace({ path, old_str, new_str }: Command<'str_replace'>): Promise<string> {
    return this.#edit(path, (text) => {
      const line = onlyLineWith(text, old_str, path)
      const changed = text.replace(old_str, () => new_str)
      return { text: changed, answer: `${EDITED}\n${snippet(changed, line)}` }
    })
  }

  insert({ path, insert_line: after, insert_text: inserted }: Command<'insert'>): Promise<string> {
    return this.#edit(path, (text) => {
      const lines = text.split('\n')
      if (after < 0 || after > lines.length)
        throw new ToolFailure(
          `Invalid \`insert_line\` parameter: ${after}. It should be within the range of lines of the file: ` +
            `[0, ${lines.length}]`,
        )
      const changed = lines.toSpliced(after, 0, inserted.replace(/\n$/, ''))
      return { text: changed.join('\n'), answer: `The file ${path} has been edited.` }
    })
  }

  delete({ path }: Command<'delete'>): Promise<string> {
    return changing(async () => {
      const at = placeOf(path)
      if (at === ROOT) throw new ToolFailure(`Cannot delete the ${ROOT} directory itself`)
      await this.#files.change(async () => {
        if ((await this.#files.find(at)) === undefined) throw new ToolFailure(`The path ${path} does not exist`)
        return this.#files.removal(at)
      })
      return `Successfully deleted ${path}`
    })
  }

  rename({ old_path: from, new_path: to }: Command<'rename'>): Promise<string> {
    return changing(async () => {
      const [old, at] = [placeOf(from), placeOf(to)]
      if (old === ROOT) throw new ToolFailure(`Cannot rename the ${ROOT} directory itself`)
      await this.#files.change(async () => {
        if ((await this.#files.find(at)) !== undefined) throw new ToolFailure(`The destination ${to} already exists`)
        const found = await this.#files.find(old)
        if (found === undefined) throw new ToolFailure(`The path ${from} does not exist`)
        if (at.startsWith(`${old}/`)) throw new ToolFailure(`The path ${from} cannot be moved below itself`)
        return [...((await this.#files.directoriesAbove(at)) ?? below(to)), ...(await this.#files.move(found, at))]
      })
      return `Successfully renamed ${from} to ${to}`
    })
  }

  #edit(path: string, edit: (text: string) => { readonly text: string; readonly answer: string }): Promise<string> {
    return changing(async () => {
      const at = placeOf(path)
      return this.#files.edit(async () => {
        const found = await this.#files.find(at)
        if (found === undefined) throw notThere(path)
        if (found.kind !== 'chunk') throw new ToolFailure(`The path ${path} is not a file.`)
        return { file: found, ...edit(found.text) }
      })
    })
  }
}

const EDITED = 'The memory file has been edited. Here is the snippet showing the change (with line numbers):'

const ADVICE: Advice = {
  missing: 'It is gone: `view` its directory.',
  conflict: 'Others change the same files just now: `view` them, and try again.',
  look: '`view` it before you call again.',
}

const told = (work: () => Promise<string>): Promise<string> => telling(work, false)
const changing = (work: () => Promise<string>): Promise<string> => telling(work, true)

async function telling(work: () => Promise<string>, isWrite: boolean): Promise<string> {
  try {
    return await work()
  } catch (error) {
    throw failureOf(error, isWrite, ADVICE)
  }
}

/** The path without what leads nowhere. */
function placeOf(path: string): string {
  if (path !== ROOT && !path.startsWith(`${ROOT}/`)) throw new ToolFailure(`Path must start with ${ROOT}, got: ${path}`)
  const place = posix.resolve(path)
  if (place === ROOT || place.startsWith(`${ROOT}/`)) return place
  throw new ToolFailure(`Path ${path} would escape ${ROOT} directory`)
}

function notThere(path: string): ToolFailure {
  return new ToolFailure(`The path ${path} does not exist. Please provide a valid path.`)
}

function below(path: string): never {
  throw new ToolFailure(`The path ${path} is below a file: give it another directory.`)
}

function listing(path: string, at: string, nodes: readonly Node[]): string {
  const shown = nodes
    .map((node) => ({ ...node, names: node.path.slice(at.length + 1).split('/') }))
    .filter(
      ({ names }) => names.length <= DEPTH && !names.some((name) => name.startsWith('.') || name === 'node_modules'),
    )
    .sort((a, b) => byNames(a.names, b.names))
  const lines = shown.map(
    ({ names, bytes }) =>
      `${sizeIn(bytes ?? DIRECTORY_BYTES)}\t${path}/${names.join('/')}${bytes === undefined ? '/' : ''}`,
  )
  const excluded = 'excluding hidden items and node_modules'
  const head = `Here're the files and directories up to ${DEPTH} levels deep in ${path}, ${excluded}:`
  return [head, `${sizeIn(DIRECTORY_BYTES)}\t${path}`, ...lines].join('\n')
}

/** A directory comes before what is in it. */
function byNames(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((name, nth) => name !== b[nth])
  if (at === -1) return a.length - b.length
  return b[at] === undefined || a[at]! > b[at] ? 1 : -1
}

function sizeIn(bytes: number): string {
  const power = bytes === 0 ? 0 : Math.floor(Math.log(bytes) / Math.log(1024))
  const size = bytes / 1024 ** power
  return `${Number.isInteger(size) ? size : size.toFixed(1)}${'BKMG'[power]}`
}

function numbered(path: string, text: string, range: readonly number[] | undefined): string {
  const lines = text.split('\n')
  if (lines.length > MOST_LINES) {
    const most = MOST_LINES.toLocaleString('en')
    throw new ToolFailure(`File ${path} has too many lines (${lines.length}). Maximum is ${most} lines.`)
  }
  const [first, last] = range?.length === 2 ? (range as [number, number]) : [1, -1]
  const start = Math.max(1, first)
  const shown = lines.slice(start - 1, last === -1 ? lines.length : last)
  return `Here's the content of ${path} with line numbers:\n${withNumbers(shown, start)}`
}

function withNumbers(lines: readonly string[], first: number): string {
  return lines.map((line, nth) => `${String(first + nth).padStart(NUMBER_WIDTH, ' ')}\t${line}`).join('\n')
}

/** Lines around the changed one, of which `line` is the index. */
function snippet(text: string, line: number): string {
  const lines = text.split('\n')
  const start = Math.max(0, line - AROUND)
  return withNumbers(lines.slice(start, line + AROUND + 1), start + 1)
}

/** Index of the line where `sought` begins. What has several lines may be there once, other text on one line. */
function onlyLineWith(text: string, sought: string, path: string): number {
  const found = sought.includes('\n') ? linesWhereBegins(text, sought) : linesThatHave(text, sought)
  if (found.length === 1) return found[0]!
  const what = `old_str \`${sought}\``
  if (found.length === 0)
    throw new ToolFailure(`No replacement was performed, ${what} did not appear verbatim in ${path}.`)
  const named = found.slice(0, MOST_NAMED).map((index) => index + 1)
  const lines = `${named.join(', ')}${found.length > MOST_NAMED ? ' and more' : ''}`
  const remedy = 'Please ensure it is unique'
  throw new ToolFailure(`No replacement was performed. Multiple occurrences of ${what} in lines: ${lines}. ${remedy}`)
}

function linesThatHave(text: string, sought: string): number[] {
  return text.split('\n').flatMap((line, index) => (line.includes(sought) ? [index] : []))
}

function linesWhereBegins(text: string, sought: string): number[] {
  const found: number[] = []
  let line = 0
  let counted = 0
  // More than are named need not be found: a search of each place would take the square of the text.
  for (let at = text.indexOf(sought); at !== -1 && found.length <= MOST_NAMED; at = text.indexOf(sought, at + 1)) {
    line += text.slice(counted, at).split('\n').length - 1
    counted = at
    found.push(line)
  }
  return found
}
