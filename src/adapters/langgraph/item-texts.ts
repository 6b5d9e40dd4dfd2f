/**
 * Decides which texts of a value are embedded, by paths as LangGraph's stores know them: `title`, `author.name`,
 * `chapters[*].text`, `tags[0]`, `tags[-1]`, `{title,author.name}`, `*`, and `$` for the whole value. Each text that a
 * path leads to gets a vector of its own.
 */
type Step = string | { readonly index: string } | { readonly fields: readonly string[] }

export function textsAt(value: unknown, path: string): string[] {
  return path === '$' || path === '' ? [JSON.stringify(value, null, 2)] : follow(value, stepsOf(path))
}

/** `a.b[0].{c,d}` becomes a, b, [0], {c,d}. */
function stepsOf(path: string): Step[] {
  return [...path.matchAll(/\[([^\]]*)\]|\{([^}]*)\}|[^.[{]+/g)].map(([text, index, fields]) => {
    if (index !== undefined) return { index }
    return fields === undefined ? text : { fields: fields.split(',').map((field) => field.trim()) }
  })
}

function follow(value: unknown, [step, ...rest]: readonly Step[]): string[] {
  if (step === undefined) return textOf(value)
  return nextOf(value, step).flatMap((next) => follow(next, rest))
}

function nextOf(value: unknown, step: Step): unknown[] {
  if (typeof step === 'object' && 'index' in step) return Array.isArray(value) ? itemsAt(value, step.index) : []
  if (typeof value !== 'object' || value === null) return []
  if (step === '*') return Object.values(value)
  if (typeof step === 'string') return memberOf(value, step)
  return step.fields.flatMap((field) =>
    field.split('.').reduce<unknown[]>((all, name) => all.flatMap((one) => memberOf(one, name)), [value]),
  )
}

function itemsAt(list: readonly unknown[], index: string): unknown[] {
  if (index === '*') return [...list]
  const nth = Number.parseInt(index, 10)
  const item = Number.isNaN(nth) ? undefined : list.at(nth)
  return item === undefined ? [] : [item]
}

function memberOf(value: unknown, name: string): unknown[] {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? [(value as Record<string, unknown>)[name]]
    : []
}

function textOf(value: unknown): string[] {
  if (value === null || value === undefined) return []
  return [typeof value === 'object' ? JSON.stringify(value, null, 2) : String(value)]
}
