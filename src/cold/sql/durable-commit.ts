/** Makes a commit durable where a server or a role is set to acknowledge one that a crash can still lose. */
import { sql } from 'drizzle-orm'

/** A column of the last SELECT that has the transaction wait until its commit is on disk. Stricter settings stay. */
export const DURABLY = sql`set_config('synchronous_commit',
  CASE current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, true) AS durability`
