/** A store of one file per value. The query of this module's URL names what is wrong with it; `none` is right. */
import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { NamespacePath, TestedStore } from '../../../src/testkit/testkit.ts'

const fault = new URL(import.meta.url).searchParams.get('fault')

export function open(folder: string): TestedStore {
  const fileOf = (namespace: NamespacePath, id: string) =>
    join(folder, encodeURIComponent(JSON.stringify([namespace, id])))
  const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined)
  const write = (file: string, value: string) => {
    writeFileSync(join(folder, 'new'), value)
    renameSync(join(folder, 'new'), file)
  }
  const unwritten = new Map<string, string>()
  const flush = () => {
    for (const [file, value] of unwritten) write(file, value)
    unwritten.clear()
  }
  if (fault === 'flushes now and then') setInterval(flush, 50).unref()
  const deleted = new Set<string>()

  return {
    async put(namespace, id, value) {
      const file = fileOf(namespace, id)
      deleted.delete(file)
      // As what is written over a network would.
      await setImmediate()
      if (fault === 'flushes now and then') unwritten.set(file, value)
      else if (fault === 'writes in place') {
        writeFileSync(file, value.slice(0, value.length / 2))
        await setImmediate()
        appendFileSync(file, value.slice(value.length / 2))
      } else write(file, value)
    },
    get(namespace, id) {
      const file = fileOf(namespace, id)
      return deleted.has(file) ? undefined : (unwritten.get(file) ?? read(file))
    },
    async delete(namespace, id) {
      const file = fileOf(namespace, id)
      await setImmediate()
      unwritten.delete(file)
      if (fault === 'keeps deletes in memory') deleted.add(file)
      else rmSync(file, { force: true })
    },
    list(namespace) {
      const own = readdirSync(folder).flatMap((name) => {
        if (name === 'new') return []
        const [of, id]: [NamespacePath, string] = JSON.parse(decodeURIComponent(name))
        const isOwn = JSON.stringify(of) === JSON.stringify(namespace)
        return isOwn ? [{ id, value: read(join(folder, name))! }] : []
      })
      return fault === 'lists too little' ? own.slice(1) : own
    },
    close() {
      flush()
      if (fault === 'loses when closed') for (const name of readdirSync(folder)) rmSync(join(folder, name))
    },
  }
}
