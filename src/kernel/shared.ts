/** Answers what all copies of a module in this thread share by one name: servers for development load modules anew. */
export function shared<T>(name: string, make: () => T): T {
  const global = globalThis as unknown as Record<symbol, T | undefined>
  const key = Symbol.for(name)
  global[key] ??= make()
  return global[key]
}
