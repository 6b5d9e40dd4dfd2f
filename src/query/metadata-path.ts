/**
 * Parses paths into metadata, as queries name them: `metadata.author.name`, and `metadata["odd.name"]` where a name
 * holds a dot or a bracket. Errors about metadata use the same notation. A path leads through members of objects, never
 * into arrays: these are queried by `contains`.
 */
import { MAX_METADATA_DEPTH } from '../entry/limits.ts'
import { textFault } from '../entry/text.ts'

/** Names of members, the outermost first; none of them is metadata as a whole. */
export type MetadataPath = readonly string[]

/** Text of a path, in the notation that holds any name. */
export type MetadataPathText = `metadata["${string}"]`

/** `.name`, or `["name"]` with the name as JSON writes it. */
const STEP = /\.([^.[\]]+)|\[("(?:[^"\\]|\\.)*")\]/uy

/**
 * Returns the path of a member whatever its names are, to use in `where`, as in `{ [metadataPath('a.b')]: 1 }`, and
 * wherever else a query takes the path of a member. The names lead from the outermost object inwards.
 */
export function metadataPath(...names: readonly [string, ...string[]]): MetadataPathText {
  return `metadata${names.map((name) => `[${JSON.stringify(name)}]`).join('')}` as MetadataPathText
}

/** Whether the name of a field means metadata, or something in it. */
export function namesMetadata(name: string): boolean {
  return /^metadata(?:[.[]|$)/.test(name)
}

/** Returns undefined where the text is no path, or leads to what no metadata holds. */
export function parseMetadataPath(text: string): MetadataPath | undefined {
  const names: string[] = []
  STEP.lastIndex = 'metadata'.length
  while (STEP.lastIndex < text.length) {
    const [, plain, quoted] = STEP.exec(text) ?? []
    const name = plain ?? unquoted(quoted)
    if (name === undefined || textFault(name) !== undefined || names.length === MAX_METADATA_DEPTH) return undefined
    names.push(name)
  }
  return names
}

function unquoted(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
