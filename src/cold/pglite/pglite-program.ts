/**
 * Compiles the program of the embedded database, which is a megabyte of functions, once for all databases of this
 * process.
 *
 * V8 compiles each function quickly when it is first called, and again, optimizing, when it was called a few times.
 * Opening a database calls some of the largest a few times: optimizing them took two fifths of the processor time of
 * opening, and whoever ran long enough to gain from that gained no more than with functions that are optimized later.
 * How soon is a setting that V8 copies into each program when it compiles it. So it is another one while this program
 * is compiled, and what it was before and after; what is compiled at that very moment is optimized later as well.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'

/** What a function of ours may do before it is optimized, in bytes of machine code that ran. */
const LATER = 600_000_000
/**
 * The same where nobody says otherwise, by major version of V8. It cannot be asked for, so other versions are left as
 * they are.
 */
const USUAL: Readonly<Record<string, number>> = { 11: 1_800_000, 12: 13_000_000, 13: 13_000_000 }

/** Options that say when WebAssembly is optimized, if at all. */
const TIERING = /wasm[-_](tier|dynamic)/

let program: Promise<WebAssembly.Module> | undefined

/** @param files folder of the program. A further database opens in half the time. */
export function compiledProgram(files: string): Promise<WebAssembly.Module> {
  program ??= compileProgram(files).catch((error: unknown) => {
    program = undefined
    throw error
  })
  return program
}

async function compileProgram(files: string): Promise<WebAssembly.Module> {
  // At once: this thread goes on to load the rest of the store, and other ways of reading wait for it several times.
  const bytes = readFileSync(join(files, 'pglite.wasm'))
  const usual = usualBudget()
  if (usual === undefined) return WebAssembly.compile(bytes)
  setBudget(LATER)
  try {
    return await WebAssembly.compile(bytes)
  } finally {
    setBudget(usual)
  }
}

/** Undefined where it is not known: in another engine, in a newer one, or where somebody set such options. */
function usualBudget(): number | undefined {
  if ('bun' in process.versions) return undefined
  // Deno and Electron name their V8 otherwise, and have other options.
  const [, major] = /^(\d+)\..*-node\.\d+$/.exec(process.versions.v8) ?? []
  // NODE_OPTIONS cannot have them.
  const isSet = process.execArgv.some((option) => TIERING.test(option))
  return major === undefined || isSet ? undefined : USUAL[major]
}

function setBudget(bytes: number): void {
  setFlagsFromString(`--wasm-tiering-budget=${bytes}`)
}
