/**
 * Where Redis is: one server by URL or by options of ioredis (Sentinel included), or a cluster by its first nodes.
 * Without the types of ioredis, which is an optional package.
 */
export type RedisLocation =
  | { readonly url: string }
  | { readonly options: object }
  | { readonly nodes: readonly unknown[]; readonly options?: object }
