/** Which entries a query sees. */
export interface Scope {
  readonly namespace: string
  /** Whether it sees child namespaces as well. */
  readonly recursive: boolean
}
