/**
 * Reads the environment variables that the commands know. Nothing else in thermocline reads `process.env`: a store uses
 * its options alone. Which of variables, `--dir` and `--config` counts first is decided in store-options.ts.
 */
import type { MemoryStoreOptions } from '../options.ts'

/** Whether npm, npx, yarn or pnpm runs this process for somebody. */
export function isRunByWrapper(): boolean {
  const { npm_lifecycle_event, npm_execpath, npm_command } = process.env
  return [npm_lifecycle_event, npm_execpath, npm_command].some((set) => set !== undefined)
}

/** Options that the environment names: `THERMOCLINE_DIR`, `REDIS_URL`, `DATABASE_URL`. */
export function optionsFromEnv(env: NodeJS.ProcessEnv = process.env): MemoryStoreOptions {
  return {
    ...(env.THERMOCLINE_DIR ? { dir: env.THERMOCLINE_DIR } : {}),
    ...(env.REDIS_URL ? { hot: { url: env.REDIS_URL } } : {}),
    ...(env.DATABASE_URL ? { cold: { url: env.DATABASE_URL } } : {}),
  }
}
