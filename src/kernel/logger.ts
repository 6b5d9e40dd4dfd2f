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

/**
 * Returns the same logger, except that it never fails: where it cannot tell something, for its transport is gone,
 * nobody is told. Nothing that is done may depend on whether somebody hears of it.
 */
export function neverFailing(logger: Logger): Logger {
  const tell = (level: keyof Logger, fields: object, message: string): void => {
    try {
      // Looked up each time: pino's methods change with its level.
      const telling: unknown = logger[level](fields, message)
      if (telling instanceof Promise) telling.catch(ignore)
    } catch {}
  }
  return {
    debug: (fields, message) => tell('debug', fields, message),
    info: (fields, message) => tell('info', fields, message),
    warn: (fields, message) => tell('warn', fields, message),
    error: (fields, message) => tell('error', fields, message),
  }
}

/** Texts that were told already. People read warnings of the process, so each comes once. */
const told = new Set<string>()
/** Texts name figures and hosts, so there is no end of them; one that is told again now and then does no harm. */
const MOST_TOLD = 1_000

function emit(code: string, fields: object, message: string): void {
  if (told.has(message)) return
  if (told.size >= MOST_TOLD) told.clear()
  told.add(message)
  const detail = Object.keys(fields).length === 0 ? '' : JSON.stringify(fields)
  process.emitWarning(message, { type: 'ThermoclineWarning', code, detail })
}

/** Serves whoever gives no logger: warnings and errors become warnings of the process, each text once. */
export const warningLogger: Logger = neverFailing({
  ...silentLogger,
  warn: (fields, message) => emit('THERMOCLINE_WARNING', fields, message),
  error: (fields, message) => emit('THERMOCLINE_ERROR', fields, message),
})
