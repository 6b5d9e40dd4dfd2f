/** Which entries a query sees. */
export interface Scope {
  readonly namespace: string
  /** Child namespaces as well. */
  readonly recursive: boolean
}
