/** What is measured is what users get: the built package, and cases that no loader of TypeScript stands before. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Builds `dist` anew where anything that it is made from is newer. Answers its folder. */
export function buildPackage(root: string, tell: (line: string) => void): string {
  const dist = join(root, 'dist')
  const made = newestIn(dist)
  const sources = ['src', 'drizzle'].map((folder) => newestIn(join(root, folder)))
  const files = ['package.json', 'tsconfig.json', 'tsconfig.build.json'].map((file) => changedAt(join(root, file)))
  if (Math.max(...sources, ...files) > made) {
    tell('building the package')
    execFileSync('npm', ['run', '-s', 'build'], { cwd: root, stdio: ['ignore', 2, 'inherit'] })
  }
  return dist
}

function newestIn(folder: string): number {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    return Math.max(...names.map((name) => changedAt(join(folder, name))))
  } catch {
    return Number.NEGATIVE_INFINITY
  }
}

function changedAt(file: string): number {
  const stats = statSync(file)
  return stats.isFile() ? stats.mtimeMs : Number.NEGATIVE_INFINITY
}

/** Compiles the cases and their processes. They find their packages from within `node_modules` of the repository. */
export class CompiledCases {
  readonly #dir: string

  private constructor(dir: string) {
    this.#dir = dir
  }

  static async make(root: string, names: readonly string[]): Promise<CompiledCases> {
    const dir = mkdtempSync(join(root, 'node_modules/.thermocline-bench-'))
    const cases = names.map((name) => [`cases/${name}`, join(root, `test/bench/cases/${name}.ts`)])
    const processes = ['case-process', 'cuttable-proxy-process'].map((name) => {
      return [name, join(root, `test/bench/harness/${name}.ts`)]
    })
    await build({
      entryPoints: Object.fromEntries([...processes, ...cases]),
      outdir: dir,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      splitting: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      logLevel: 'error',
    })
    return new CompiledCases(dir)
  }

  get process(): string {
    return join(this.#dir, 'case-process.mjs')
  }

  case(name: string): string {
    return join(this.#dir, `cases/${name}.mjs`)
  }

  [Symbol.dispose](): void {
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
