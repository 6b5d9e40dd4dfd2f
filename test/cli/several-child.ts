/** Runs command lines one after the other, each by the real main module, and marks where what each prints ends. */
import { pathToFileURL } from 'node:url'

const [node, , end, main, commands] = process.argv as [string, string, string, string, string]

for (const [nth, args] of (JSON.parse(commands) as string[][]).entries()) {
  process.argv = [node, main, ...args]
  process.exitCode = undefined
  // Under another name the module runs anew; what it imports stays loaded.
  await import(`${pathToFileURL(main).href}?${nth}`)
  process.stdout.write(`${end}${process.exitCode ?? 0}\n`)
  process.stderr.write(end)
}
process.exitCode = 0
