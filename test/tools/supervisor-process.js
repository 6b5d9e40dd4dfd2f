// @ts-check
/**
 * Starts programs for the process that started this one, and outlives that by a moment: once it has ended, however that
 * came, its servers are ended and its folders removed. See supervisor.ts.
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'

/** @typedef {import('node:child_process').SpawnOptions} SpawnOptions */
/**
 * @typedef {object} Start
 * @property {number} id
 * @property {string} program
 * @property {string[]} args
 * @property {SpawnOptions} options
 * @property {string} [ready] What a server prints once it serves.
 */
/** @typedef {{ keep: string } | { forget: string }} FolderRequest */

/** Of what a program printed. */
const KEPT_CHARACTERS = 8_000
/** Milliseconds that a server has to end by itself. */
const GRACE = 1_000

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set()
/** @type {Set<string>} */
const folders = new Set()

process.on('message', (/** @type {Start | FolderRequest} */ request) => {
  if ('keep' in request) folders.add(request.keep)
  else if ('forget' in request) folders.delete(request.forget)
  else start(request)
})

process.once('disconnect', () => {
  for (const child of running) child.kill('SIGQUIT')
  setTimeout(() => {
    for (const child of running) child.kill('SIGKILL')
  }, GRACE).unref()
  exitWhenDone()
})

/** @param {Start} request */
function start({ id, program, args, options, ready }) {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let printed = ''
  let isReady = false
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
      if (isReady) return
      printed = (printed + text).slice(-KEPT_CHARACTERS)
      isReady = ready !== undefined && printed.includes(ready)
      if (isReady) tell(id, 'ready', child.pid)
    })
  /** @param {string | number | null} how */
  const end = (how) => {
    if (!running.delete(child)) return
    tell(id, 'end', how, printed)
    if (!process.connected) exitWhenDone()
  }
  child.once('error', ({ message }) => end(message))
  child.once('exit', (code, signal) => end(code ?? signal))
}

/** @param {unknown[]} told */
function tell(...told) {
  // Who has gone need not be told.
  if (process.connected) process.send?.(told)
}

function exitWhenDone() {
  if (running.size > 0) return
  // Children of tests that were ended as well may write to them for a moment longer.
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  process.exit()
}
