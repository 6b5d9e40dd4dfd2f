/**
 * Loaded first by every Node process of the tests (see compile.ts). PGlite is a megabyte of WebAssembly, and most of these
 * processes live for a second: what the optimizing compiler makes of its functions there costs more than it saves, but for
 * the few that run all the time.
 */
require('node:v8').setFlagsFromString('--wasm-tiering-budget=300000000')
