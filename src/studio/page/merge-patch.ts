/** Makes what the editor sends of an edit: what differs, of metadata as a merge patch (RFC 7396). */
import type { EntryContent } from '../answers.ts'

type Members = Readonly<Record<string, unknown>>

/** Returns undefined where nothing differs. */
export function mergePatch(before: unknown, after: unknown): unknown {
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)])
    const changed = [...names].flatMap((name) => {
      const patch = Object.hasOwn(after, name) ? mergePatch(own(before, name), after[name]) : null
      return patch === undefined ? [] : [[name, patch] as const]
    })
    return changed.length === 0 ? undefined : Object.fromEntries(changed)
  }
  return JSON.stringify(before) === JSON.stringify(after) ? undefined : after
}

/** Whether a member is null that was not: a merge patch would remove it, whatever it was typed for. */
export function hasNewNull(before: unknown, after: unknown): boolean {
  if (!isObject(after)) return false
  return Object.entries(after).some(([name, value]) => {
    const known = isObject(before) ? own(before, name) : undefined
    return value === null ? known !== null : hasNewNull(known, value)
  })
}

/** Of what differs. An empty field of metadata removes it. */
export function patchOf(shown: EntryContent, textField: string, text: unknown, metadata: unknown): object {
  // Fields make each end of a line an LF, and forms a CR LF of that.
  const after = typeof text === 'string' ? plainLines(text) : undefined
  const isChanged = after !== undefined && after !== plainLines(shown.text ?? shown.summary ?? '')
  const changed =
    metadata === undefined ? (shown.metadata === undefined ? undefined : null) : mergePatch(shown.metadata, metadata)
  return { ...(isChanged && { [textField]: after }), ...(changed !== undefined && { metadata: changed }) }
}

function plainLines(text: string): string {
  return text.replace(/\r\n?/g, '\n')
}

/** What objects have of their prototype is no member. */
function own(members: Members, name: string): unknown {
  return Object.hasOwn(members, name) ? members[name] : undefined
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
