/**
 * Takes the parameters out of a connection string one by one, and refuses a wrong value. Which parameters there are,
 * and which are dropped, is decided in postgres-url.ts; those of TLS in postgres-tls.ts.
 */
import { ThermoclineError } from '../../errors.ts'

/** Takes a parameter out, so that what is left is what nobody knew. */
export type TakeParameter = (name: string) => string | undefined

export function takingFrom(parameters: Map<string, string>): TakeParameter {
  return (name) => {
    const value = parameters.get(name)
    parameters.delete(name)
    return value
  }
}

/** The refusal names the parameter and never its value. */
export function invalidParameter(name: string, wanted: string): ThermoclineError {
  return invalidLocation(`has the parameter \`${name}\`, which must be ${wanted}`)
}

export function invalidLocation(what: string): ThermoclineError {
  return new ThermoclineError('ERR_INVALID_OPTIONS', `the url of the cold tier ${what}`, { option: 'cold.url' })
}
