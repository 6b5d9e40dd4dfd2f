/**
 * Returns an object that all copies of a module in this thread share under one name. Development servers load modules
 * anew, while the older copies are still in use.
 */
export function shared<T>(name: string, make: () => T): T {
  const global = globalThis as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(name)
  global[key] ??= make()
  return global[key]
}
