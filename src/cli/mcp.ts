/** Runs `thermocline mcp`: serves memory tools to the client that started it, over stdin and stdout. */
import { Command } from 'commander'
import { ThermoclineError } from '../errors.ts'
import type { MemoryStore } from '../store/memory-store.ts'
import { stdoutForWhole } from './stdout.ts'
import { addCommonOptions, type CommonFlags } from './store-options.ts'
import { lookIntoStore, namespaceNamed, workOnStore } from './work-on-store.ts'

interface McpFlags extends CommonFlags {
  readonly namespace: string
  readonly readOnly?: true
}

const SDK = '@modelcontextprotocol/sdk'

export function mcpCommand(): Command {
  return addCommonOptions(new Command('mcp'))
    .description('Serves tools by which a model remembers and recalls (Model Context Protocol over stdin and stdout).')
    .option('--namespace <path>', 'where its memories are, as agent/ada', 'memories')
    .option('--read-only', 'only the tools that look')
    .addHelpText(
      'after',
      `\nA client starts it, and ends it by closing stdin. It needs the package ${SDK}.\n` +
        'A data folder that --dir names is made where there is none; an embedded database has one process at a time.',
    )
    .addHelpText('after', '\nExample:\n  thermocline mcp --dir /home/ada/.thermocline --namespace agent/ada')
    .action(async (flags: McpFlags) => {
      const serveMemories = await loadServer()
      const serve = (store: MemoryStore, signal: AbortSignal): Promise<void> => serveMemories(store, flags, signal)
      if (flags.readOnly) await lookIntoStore(flags, serve)
      else await workOnStore(flags, serve, () => 'interrupted', { folder: 'if-unnamed' })
    })
}

/** Returns what serves a store, before anything is opened or made. */
async function loadServer(): Promise<(store: MemoryStore, flags: McpFlags, signal: AbortSignal) => Promise<void>> {
  try {
    const [{ createMemoryServer }, { serveStdio }] = await Promise.all([
      import('../adapters/mcp/memory-server.ts'),
      import('../adapters/mcp/serve-stdio.ts'),
    ])
    return async (store, flags, signal) => {
      const memories = namespaceNamed(store, flags.namespace)
      const server = createMemoryServer(memories, { readOnly: flags.readOnly === true })
      await serveStdio(server, process.stdin, stdoutForWhole(), signal)
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const message = `the command needs the package \`${SDK}\`: run \`npm install ${SDK}\``
    throw new ThermoclineError('ERR_UNSUPPORTED', message, {}, { cause })
  }
}
