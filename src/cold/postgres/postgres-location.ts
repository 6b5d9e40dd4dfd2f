/**
 * Defines how a caller says where a Postgres is. The types of postgres.js are not used here, since it is an optional
 * package.
 */

/** A client of postgres.js, by what is read of it. */
export interface PostgresClientLike {
  readonly options: { readonly host: readonly string[]; readonly port: readonly number[] }
}

export interface PostgresLocation {
  /** `postgres://user:password@host:port/database`; `?host=/folder` names the folder of a unix socket. */
  readonly url?: string | undefined
  readonly client?: PostgresClientLike | undefined
}
