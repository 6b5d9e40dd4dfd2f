/**
 * Loaded first by every Node process of the tests (see compile.ts). Most of them live for a second, and what the
 * optimizing compilers make of a function that ran for some milliseconds costs them more than it saves: of PGlite, which is
 * a megabyte of WebAssembly, and of JavaScript. What runs all the time is still optimized, but later.
 */
const { setFlagsFromString } = require('node:v8')
setFlagsFromString('--wasm-tiering-budget=300000000')
// V8 of Node 22 has no such flag, and would say so on stderr.
if (Number.parseInt(process.versions.node, 10) < 22) setFlagsFromString('--interrupt-budget=1000000')
