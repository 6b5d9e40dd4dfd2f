/**
 * The type of where Redis is: one server by URL or by options of ioredis (Sentinel included), or a cluster by its first
 * nodes. Which of the options of a given client (`hot.client`) are overridden is decided in redis-connection.ts
 * (`termsOf`), and what of it is taken over in store/resolve-options.ts (`serverOf`). The types of ioredis are not used
 * here, since it is an optional package.
 */
export type RedisLocation =
  | { readonly url: string }
  | { readonly options: object }
  | { readonly nodes: readonly unknown[]; readonly options?: object }
