/** Makes the merge patch (RFC 7396) that turns one JSON value into another: what the editor sends as `metadata`. */

type Members = Readonly<Record<string, unknown>>

/** Returns undefined where nothing differs. */
export function mergePatch(before: unknown, after: unknown): unknown {
  if (isObject(before) && isObject(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)])
    const changed = [...names].flatMap((name) => {
      const patch = name in after ? mergePatch(before[name], after[name]) : null
      return patch === undefined ? [] : [[name, patch] as const]
    })
    return changed.length === 0 ? undefined : Object.fromEntries(changed)
  }
  return JSON.stringify(before) === JSON.stringify(after) ? undefined : after
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
