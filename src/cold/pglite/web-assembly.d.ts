/** Declares what Node 20 has and its types lack. */
declare namespace WebAssembly {
  /** Compiled code; it can be posted to other threads. */
  // biome-ignore lint/suspicious/noEmptyInterface: it merges with what other packages declare.
  interface Module {}

  function compile(bytes: Uint8Array): Promise<Module>
}
