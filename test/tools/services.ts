/** Real servers for tests: which there are, those of a test's own, and databases on any. */
export {
  describeWherePermitted,
  describeWithAnyPostgres,
  describeWithAnyRedis,
  describeWithPgbouncer,
  describeWithPostgres,
  describeWithRedis,
  describeWithStrace,
  describeWithTlsPostgres,
  redisUrl,
} from './found-services.ts'
export { clientOf, PostgresDatabases } from './postgres-databases.ts'
export {
  makePostgresTemplate,
  type PostgresServerOptions,
  PrivatePgbouncer,
  PrivatePostgres,
} from './private-postgres.ts'
export { createCluster, PrivateRedis, PrivateSentinel, type RedisServerOptions } from './private-redis.ts'
export { freePort } from './private-server.ts'
export { removeFolderWhenWeEnd } from './supervisor.ts'
