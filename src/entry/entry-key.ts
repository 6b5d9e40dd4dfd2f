/** Names one entry on every tier. */
export interface EntryKey {
  readonly namespace: string
  readonly id: string
}

/** Returns a text that no other entry has, for maps in this process: no namespace and no id holds NUL. */
export function keyText({ namespace, id }: EntryKey): string {
  return `${namespace}\0${id}`
}
