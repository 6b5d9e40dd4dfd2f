/**
 * Lifts the time limits that a role may have by default, as managed servers set them: they would end a statement that
 * rightly takes long.
 */

const NAMES = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout']
/** `pg_settings` knows which of them this version has. */
const OF_THIS_VERSION = `FROM pg_settings WHERE name IN (${NAMES.map((name) => `'${name}'`).join(', ')})`

/** @param limit as in SQL, `0` for none. */
export function limitsSet(limit: string, scope: 'transaction' | 'session'): string {
  return `SELECT set_config(name, '${limit}', ${scope === 'transaction'}) ${OF_THIS_VERSION}`
}

/** Sets the limits as they were when the session began, which behind a pooler is not ours. */
export function limitsRestored(): string {
  return `SELECT set_config(name, reset_val, false) ${OF_THIS_VERSION}`
}
