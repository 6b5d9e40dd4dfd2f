/**
 * Opens and closes an embedded database, and then has another program run hot for a moment; ends once V8 has optimized
 * that. With --trace-wasm-compilation-times it prints each function of either that is compiled; it needs
 * --allow-natives-syntax.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { PgliteClient } from '../../../src/cold/pglite/pglite-client.ts'
import { databaseImage } from '../../../src/cold/pglite/pglite-image.ts'

/** `run(n)` counts down from n: the least that has a function with a loop. */
const COUNTDOWN = new Uint8Array([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x05, 0x01, 0x60, 0x01, 0x7f, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x07, 0x01, 0x03, 0x72, 0x75, 0x6e, 0x00, 0x00],
  ...[0x0a, 0x10, 0x01, 0x0e, 0x00, 0x03, 0x40, 0x20, 0x00, 0x41, 0x01, 0x6b, 0x22, 0x00, 0x0d, 0x00, 0x0b, 0x0b],
])

const client = await PgliteClient.start(undefined, await databaseImage())
await client.query('SELECT relname::text AS name, length(relname::text) AS size FROM pg_class ORDER BY size')
await client.close()

const { instantiate } = WebAssembly as unknown as {
  readonly instantiate: (bytes: Uint8Array) => Promise<{ instance: { exports: { run: (n: number) => void } } }>
}
const { instance } = await instantiate(COUNTDOWN)
const isOptimized = new Function('f', 'return %IsTurboFanFunction(f)') as (f: unknown) => boolean
// Some 30 megabytes of code.
instance.exports.run(1_000_000)
while (!isOptimized(instance.exports.run)) await turn()
