/** Runs `thermocline studio`: serves the page that shows a store, on this machine alone, until it is interrupted. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Command, InvalidArgumentError } from 'commander'
import type { MemoryStore } from '../store/memory-store.ts'
import { UsageError } from './exit-code.ts'
import { addCommonOptions, type CommonFlags } from './store-options.ts'
import { lookIntoStore, workOnStore } from './work-on-store.ts'

interface StudioFlags extends CommonFlags {
  readonly write?: true
  readonly port?: number
  readonly json?: true
}

const ONLY_HERE = '127.0.0.1'

export function studioCommand(): Command {
  return addCommonOptions(new Command('studio'))
    .description('Serves a page that shows the store: what is where, what flows, entries, trees and the log.')
    .option('--write', 'the page may also promote, demote, pin, edit, delete, erase and sync')
    .option('--port <number>', 'port on 127.0.0.1; else one that is free', parsePort)
    .option('--json', 'print the address as JSON')
    .addHelpText(
      'after',
      '\nOpen the address that it prints, whole: what is behind # is the token, without which it answers nobody.\n' +
        'An embedded database has to be closed by its backend first. Ctrl-C ends it.',
    )
    .addHelpText('after', '\nExample:\n  thermocline studio --dir /var/lib/app/thermocline')
    .action(async (flags: StudioFlags) => {
      const serve = (store: MemoryStore, signal: AbortSignal): Promise<void> => serveStudio(store, flags, signal)
      if (flags.write) await workOnStore(flags, serve, () => 'interrupted')
      else await lookIntoStore(flags, serve)
    })
}

async function serveStudio(store: MemoryStore, flags: StudioFlags, interrupted: AbortSignal): Promise<void> {
  const token = randomBytes(24).toString('base64url')
  const write = flags.write === true
  const { studio, toNodeListener } = await import('../studio/studio.ts')
  const server = createServer(toNodeListener(studio(store, { token, write })))
  await listen(server, flags.port ?? 0)
  const { port } = server.address() as AddressInfo
  const url = `http://${ONLY_HERE}:${port}/#token=${token}`
  if (flags.json) console.log(JSON.stringify({ url, write }))
  else
    console.log(
      `${url}\nIt ${write ? 'may change the store' : 'only looks; --write lets it change the store'}. Ctrl-C ends it.`,
    )
  if (!interrupted.aborted) await once(interrupted, 'abort')
  server.close()
  // A browser keeps connections for its next question.
  server.closeAllConnections()
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, ONLY_HERE)
  try {
    await once(server, 'listening')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    throw new UsageError(`port ${port} is not to be had (${code}): name another by --port, or leave it out`)
  }
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('--port is a number from 0 to 65535.')
}
