/**
 * Checks metadata by a schema that the caller brings, through the interface that zod, valibot, arktype and others share
 * (https://standardschema.dev). Metadata is checked when it is written, and the output of the schema is what is stored;
 * what is read is not checked.
 */
import { ThermoclineError } from '../errors.ts'
import { MetadataFault } from './metadata.ts'

/** The part of Standard Schema, version 1, that is used. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What goes in and comes out of a schema. */
export type SchemaInput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['input']
export type SchemaOutput<S extends StandardSchema> = NonNullable<S['~standard']['types']>['output']

/** Returns metadata as it is to be kept, at once where the schema can; throws, or rejects with, `ERR_INVALID_ENTRY`. */
export type CheckMetadata = (metadata: unknown) => unknown

export function checkBy(schema: StandardSchema): CheckMetadata {
  const standard = (schema as Partial<StandardSchema> | null | undefined)?.['~standard']
  if (typeof standard?.validate !== 'function')
    throw new ThermoclineError(
      'ERR_INVALID_OPTIONS',
      '`withMetadata` takes a Standard Schema, such as a schema of zod, valibot or arktype',
      { option: 'schema' },
    )
  return (metadata) => {
    const result = standard.validate(metadata)
    return isPromise(result) ? result.then(answerOf) : answerOf(result)
  }
}

export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | undefined)?.then === 'function'
}

function answerOf(result: SchemaResult<unknown>): unknown {
  const { issues } = result
  if (issues === undefined) return result.value
  const details = { field: 'metadata', path: pathOf(issues[0]) }
  // Not enumerable: what a schema says may hold values, and errors are logged.
  Object.defineProperty(details, 'issues', { value: issues })
  throw new ThermoclineError('ERR_INVALID_ENTRY', messageOf(issues), details)
}

/** Issues that a message names; the rest are counted. */
const NAMED_ISSUES = 3

function messageOf(issues: readonly SchemaIssue[]): string {
  const named = issues.length === 0 ? ['`metadata`'] : issues.slice(0, NAMED_ISSUES).map(describe)
  const more = issues.length > NAMED_ISSUES ? ` and ${issues.length - NAMED_ISSUES} more` : ''
  return `metadata is not as its schema says: ${named.join(', ')}${more}; \`details.issues\` has what the schema found`
}

/** Where, and the name of the rule where the library tells one; its words may quote the value. */
function describe(issue: SchemaIssue): string {
  const rule = ruleOf(issue)
  return `\`${pathOf(issue)}\`${rule === undefined ? '' : ` (${rule})`}`
}

/** As zod and arktype name it (`invalid_type`, `domain`) by `code`, and valibot (`min_length`) by `type`. */
function ruleOf({ code, type }: SchemaIssue & { code?: unknown; type?: unknown }): string | undefined {
  return [code, type].find((name): name is string => typeof name === 'string' && /^[a-z][a-zA-Z_]{0,39}$/.test(name))
}

function pathOf(issue: SchemaIssue | undefined): string {
  const steps = (issue?.path ?? []).map((step) => (typeof step === 'object' ? step.key : step))
  return new MetadataFault(
    steps.map((step) => (typeof step === 'number' ? step : String(step))),
    '',
  ).path
}
