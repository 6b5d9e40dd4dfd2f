/**
 * Loaded first by every Node process of the tests (see compile.ts). Most of them live for a second, and what the
 * optimizing compilers make of a function that ran for some milliseconds costs them more than it saves: of PGlite, which is
 * a megabyte of WebAssembly, and of JavaScript. What runs all the time is still optimized, but later.
 */
const { setFlagsFromString } = require('node:v8')
// A worker of vitest lives for minutes. In any other process two functions of Postgres alone, its parser and its
// interpreter of expressions, would be a quarter of what opening a database costs.
if (/[\\/]vitest[\\/]dist[\\/]/.test(process.argv[1] ?? '')) setFlagsFromString('--wasm-tiering-budget=300000000')
else for (const flag of ['tier-up', 'dynamic-tiering']) setFlagsFromString(`--no-wasm-${flag}`)
setFlagsFromString('--wasm-lazy-validation')
// V8 of Node 22 has no such flag, and would say so on stderr.
if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--interrupt-budget=1000000')
