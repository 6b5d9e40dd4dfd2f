import type { Logger } from '../../src/kernel/logger.ts'

/** A logger and the lines that it was told, `level message`. */
export function recordLines(): { readonly lines: string[]; readonly logger: Logger } {
  const lines: string[] = []
  const at =
    (level: string) =>
    (_: object, message: string): void =>
      void lines.push(`${level} ${message}`)
  return { lines, logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } }
}

/** Without what is for details only. */
export function withoutDetails(lines: readonly string[]): string[] {
  return lines.filter((line) => !line.startsWith('debug '))
}
