import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { compiled } from '../../tools/compiled.ts'

const CHILD = fileURLToPath(new URL('./optimized-child.ts', import.meta.url))
/** By the usual setting of V8 11 it is 59 to 118 functions. */
const FEW = 15

it.skipIf(Number.parseInt(process.versions.v8, 10) > 13)(
  'is hardly optimized while a database opens, and other programs are as soon as ever',
  async ({ signal }) => {
    const args = ['--trace-wasm-compilation-times', '--allow-natives-syntax', compiled(CHILD)]
    // The other processes of the tests are told to optimize nothing at all.
    const env = { ...process.env, NODE_OPTIONS: '' }
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, signal, maxBuffer: 2 ** 24 })
    // Threads that print at the same time lose some lines.
    expect(stdout.match(/using Liftoff/g)?.length).toBeGreaterThan(300)
    expect(stdout.match(/using TurboFan/g)?.length).toBeLessThan(FEW)
  },
  60_000,
)
