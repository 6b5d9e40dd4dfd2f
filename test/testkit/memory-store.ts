/** Our store as the suites for anybody's use it: texts are chunks, ids are their keys. */
import type { NamespaceView } from '../../src/index.ts'
import type { NamespacePath, StoredValue, TestedStore } from '../../src/testkit/testkit.ts'

/** @param recursive whether lists, searches and clearing are about the namespaces below as well. */
export function testedStore(root: Pick<NamespaceView, 'namespace'>, { recursive = false } = {}): TestedStore {
  const at = (namespace: NamespacePath) => root.namespace(...namespace)
  return {
    put: (namespace, key, text) => at(namespace).chunks.put({ key, text }),
    get: async (namespace, key) => (await at(namespace).chunks.getByKey(key))?.text,
    delete: (namespace, key) => at(namespace).chunks.deleteByKey(key),
    list: async (namespace) => {
      const found: StoredValue[] = []
      for await (const { key, text } of at(namespace).chunks.findAll({ recursive }))
        found.push({ id: key!, value: text })
      return found
    },
    search: async (namespace, text) => {
      const { hits } = await at(namespace).chunks.search({ text, k: 100, recursive })
      return hits.map(({ entry }) => ({ id: entry.key!, value: entry.text }))
    },
    clear: (namespace) => at(namespace).deleteAll({ recursive }),
  }
}

/** Names have at least one byte, and those of a namespace 512 together, of which the test needs some. */
export function isName(namespace: NamespacePath, id: string): boolean {
  const isOne = (text: string): boolean => text !== '' && !text.includes('\0') && Buffer.byteLength(text) <= 512
  return [...namespace, id].every(isOne) && Buffer.byteLength(namespace.join('/')) <= 420
}
