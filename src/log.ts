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

/** What was told already: a warning of the process is to be read, and one a second is not. */
const told = new Set<string>()

function emit(code: string, fields: object, message: string): void {
  if (told.has(message)) return
  told.add(message)
  const detail = Object.keys(fields).length === 0 ? '' : JSON.stringify(fields)
  process.emitWarning(message, { type: 'ThermoclineWarning', code, detail })
}

/** For whoever gives no logger: what needs a look becomes a warning of the process, each once. */
export const warningLogger: Logger = {
  ...silentLogger,
  warn: (fields, message) => emit('THERMOCLINE_WARNING', fields, message),
  error: (fields, message) => emit('THERMOCLINE_ERROR', fields, message),
}
