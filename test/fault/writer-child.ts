/**
 * Writes to a store until it is killed, or closes it on SIGTERM, and says what was acknowledged. Each line on stdout is
 * `begin KEY N`, written before a call, or `ack KEY N`, after it resolved; N is the number of the write to that key,
 * and a delete when divisible by five. Arguments: options of the store as JSON, then keys to write to concurrently.
 */
import { isThermoclineError, openMemoryStore } from '../../src/index.ts'
import { say } from '../../src/testkit/crash/say.ts'

const [options, ...keys] = process.argv.slice(2)
const store = await openMemoryStore({
  checkpoint: { every: 40 },
  sync: { schedule: '* * * * * *', hotToColdAge: 20 },
  wal: { segmentBytes: 64 * 1024 },
  ...JSON.parse(options!),
})

async function writeForEver(key: string): Promise<never> {
  const { id } = await store.chunks.put({ key, text: '0' })
  for (let n = 1; ; n++) {
    say(`begin ${key} ${n}`)
    if (n % 5 === 0) await store.chunks.delete(id)
    else await store.chunks.put({ key, text: String(n), position: n, metadata: { padding: 'x'.repeat(n % 700) } })
    say(`ack ${key} ${n}`)
  }
}

process.once('SIGTERM', () => void store.close())
try {
  await Promise.all(keys.map(writeForEver))
} catch (error) {
  if (!isThermoclineError(error, 'ERR_CLOSED')) throw error
}
