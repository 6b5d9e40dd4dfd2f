/**
 * Does atomic writes, and replaces a document, until it is killed, or closes the store on SIGTERM. Each line on stdout
 * is `begin WHAT N`, written before a call, or `ack WHAT N`, after it resolved. Arguments: options of the store as
 * JSON, name of the writer, first N.
 */
import { isThermoclineError, openMemoryStore } from '../../src/index.ts'
import { say } from '../../src/testkit/crash/say.ts'
import { bundleOf, DOCUMENT, SHARED, textsOf } from './atomic-state.ts'

const [options, writer, first] = process.argv.slice(2) as [string, string, string]
const store = await openMemoryStore({
  checkpoint: { every: 40 },
  sync: { schedule: '* * * * * *', hotToColdAge: 20 },
  wal: { segmentBytes: 64 * 1024 },
  ...JSON.parse(options),
})

async function repeat(what: string, work: (n: number) => Promise<unknown>): Promise<never> {
  for (let n = Number(first); ; n++) {
    say(`begin ${what} ${n}`)
    try {
      await work(n)
    } catch (error) {
      // Who writes the same as somebody else may lose a turn.
      if (!isThermoclineError(error, 'ERR_TIER_UNAVAILABLE') || error.details.outcome !== 'none') throw error
      continue
    }
    say(`ack ${what} ${n}`)
  }
}

const bundle = (set: string) => (n: number) => store.write(bundleOf(store.entries, set, writer, n), { atomic: true })
process.once('SIGTERM', () => void store.close())
try {
  await Promise.all([
    repeat('own', bundle(writer)),
    repeat('shared', bundle(SHARED)),
    repeat('document', (n) =>
      store.chunks.replaceDocument(
        `${DOCUMENT} ${writer}`,
        textsOf(n).map((text) => ({ text })),
      ),
    ),
  ])
} catch (error) {
  if (!isThermoclineError(error, 'ERR_CLOSED')) throw error
}
