/**
 * Imports the package, and then opens and closes a store with options given as JSON. Prints as JSON the modules that
 * were loaded by each: their URLs, in the order in which they were asked for.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'

const [record, options] = process.argv.slice(2)

/** Runs in a thread of its own, which answers every import. */
const HOOKS = `
import { appendFileSync } from 'node:fs'
let record
export function initialize(file) { record = file }
export function load(url, context, next) {
  appendFileSync(record, url + '\\n')
  return next(url, context)
}`

function takeLoaded(): string[] {
  const urls = readFileSync(record!, 'utf8').split('\n')
  writeFileSync(record!, '')
  return urls.filter((url) => url !== '')
}

writeFileSync(record!, '')
register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, { data: record })
const { openMemoryStore } = await import('../../src/index.ts')
const imported = takeLoaded()
const store = await openMemoryStore(JSON.parse(options!))
await store.close()
console.log(JSON.stringify({ imported, opened: takeLoaded() }))
