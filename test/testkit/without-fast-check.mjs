/** Preloaded: the package `fast-check` is not installed. */
import { register } from 'node:module'

const hook = `export async function resolve(specifier, context, next) {
  if (specifier !== 'fast-check') return next(specifier, context)
  throw Object.assign(new Error('not installed'), { code: 'ERR_MODULE_NOT_FOUND' })
}`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
