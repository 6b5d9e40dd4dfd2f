/** Opens a store and does what its input says, a call per line, many at a time; each answer names its call. */
import { createInterface } from 'node:readline'
import { openMemoryStore } from '../../src/index.ts'

const store = await openMemoryStore(JSON.parse(process.argv[2]!))
const { chunks } = store
const calls: Record<string, (...args: string[]) => Promise<unknown>> = {
  put: (key, text) => chunks.put({ key: key!, text: text! }),
  delete: (id) => chunks.delete(id!),
  get: async (id) => {
    const entry = await chunks.get(id!)
    return entry && { version: entry.version, text: entry.text }
  },
  drain: () => store.checkpoint(),
}
const answer = (...parts: unknown[]): void => {
  process.stdout.write(`${JSON.stringify(parts)}\n`)
}

console.log('open')
for await (const line of createInterface({ input: process.stdin })) {
  const [call, name, ...args] = JSON.parse(line) as [number, string, ...string[]]
  calls[name]!(...args).then(
    (value) => answer(call, value ?? null),
    (error: unknown) => answer(call, null, String(error)),
  )
}
