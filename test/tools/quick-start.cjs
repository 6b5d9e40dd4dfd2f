/**
 * Loaded first by every Node process of the tests (see compile.ts). Most of them live for a second, and what the
 * optimizing compilers make of a function that ran for some milliseconds costs them more than it saves: of PGlite, which is
 * a megabyte of WebAssembly, and of JavaScript. What runs all the time is still optimized, but later.
 */
const { setFlagsFromString } = require('node:v8')
setFlagsFromString('--wasm-tiering-budget=300000000')
setFlagsFromString('--interrupt-budget=1000000')
