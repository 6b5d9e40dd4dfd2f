/** Has something happen at a place of a call where another process may come in. */
import type { NamespaceView } from '../../src/index.ts'

type Around = (call: () => Promise<unknown>) => Promise<unknown>

/** The view itself, but that the first call of this name, of whatever is below it, is made by `around`. */
export function atFirst(
  view: NamespaceView,
  name: 'deleteWhere' | 'getByKey' | 'write',
  around: Around,
): NamespaceView {
  let left: Around | undefined = around
  const within = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, member) {
        const value = Reflect.get(target, member, target)
        if (member === 'chunks' || member === 'metadata') return within(value as object)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          const call = () => value.apply(target, args)
          if (member === 'namespace') return within(call())
          if (member !== name || left === undefined) return call()
          const first = left
          left = undefined
          return first(call)
        }
      },
    })
  return within(view)
}
