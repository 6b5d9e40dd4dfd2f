/** What Node 20 has and its types leave out. */
declare namespace WebAssembly {
  function compile(bytes: Uint8Array): Promise<Module>
}
