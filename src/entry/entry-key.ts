/** Names one entry on every tier. */
export interface EntryKey {
  readonly namespace: string
  readonly id: string
}

/** One text per entry, for maps in this process. No namespace and no id holds NUL. */
export function keyText({ namespace, id }: EntryKey): string {
  return `${namespace}\0${id}`
}
