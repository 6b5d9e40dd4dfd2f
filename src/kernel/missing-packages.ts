/** What is thrown where an optional package is needed that is not installed: it names the command that installs it. */
import { ThermoclineError } from '../errors.ts'

/** @param packages as npm takes them, with a version where only that one will do. */
export function missingPackages(
  what: string,
  packages: readonly string[],
  { instead = '', cause }: { readonly instead?: string; readonly cause?: unknown } = {},
): ThermoclineError<'ERR_UNSUPPORTED'> {
  const [first, ...others] = packages.map((name) => `\`${name.replace(/(?<=.)@[^@/]*$/, '')}\``)
  const named = others.length === 0 ? `the package ${first}` : `the packages ${[first, ...others].join(' and ')}`
  const message = `${what} needs ${named}: run \`npm install ${packages.join(' ')}\`${instead}`
  return new ThermoclineError('ERR_UNSUPPORTED', message, { packages }, { cause })
}
