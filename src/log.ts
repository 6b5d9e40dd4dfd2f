/**
 * The few methods of pino that thermocline calls; a pino logger fits as it is. Only counts, codes, ids of logs and
 * durations are logged, never entry content.
 */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const ignore = (): void => {}

export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore }
