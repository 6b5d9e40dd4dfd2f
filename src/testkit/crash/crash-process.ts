/**
 * The process that is killed, and the one that looks afterwards: opens the store of a user's module. On file descriptor
 * 3 a writer says `begin PLACE N` before each write and `ack PLACE N` once it was acknowledged; a reader says what it
 * found, as JSON.
 */
import type { TestedStore } from '../tested-store.ts'
import { type CrashTask, type Found, NAMESPACES, nthValue, type OpenTestedStore, PLACES } from './crash-task.ts'
import { say } from './say.ts'

/** The test reads it. */
const PIPE = 3

const task: CrashTask = JSON.parse(process.argv[2]!)
const { open }: { readonly open?: OpenTestedStore } = await import(task.module)
if (typeof open !== 'function') throw new TypeError(`${task.module} has to export a function \`open(folder)\``)
const store = await open(task.folder)
if (task.does === 'write') await Promise.all(PLACES.map((_, place) => writeForEver(store, place, task.round)))
else {
  say(JSON.stringify(await read(store)), PIPE)
  await store.close?.()
}

async function writeForEver(store: TestedStore, place: number, round: number): Promise<never> {
  const { namespace, id } = PLACES[place]!
  for (let n = 1; ; n++) {
    const value = nthValue(place, round, n)
    say(`begin ${place} ${n}`, PIPE)
    await (value === undefined ? store.delete(namespace, id) : store.put(namespace, id, value))
    say(`ack ${place} ${n}`, PIPE)
  }
}

async function read(store: TestedStore): Promise<Found> {
  const values = await Promise.all(PLACES.map(async ({ namespace, id }) => (await store.get(namespace, id)) ?? null))
  if (store.list === undefined) return { values, lists: null }
  const listed = await Promise.all(NAMESPACES.map(async (namespace) => store.list!(namespace)))
  return { values, lists: listed.map((list) => Array.from(list, ({ id, value }) => ({ id, value }))) }
}
