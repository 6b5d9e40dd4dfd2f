/** Runs `thermocline mcp`: serves memory tools to the client that started it, over stdin and stdout. */
import { Command } from 'commander'
import { missingPackages } from '../errors.ts'
import { stdoutForWhole } from './stdout.ts'
import { addCommonOptions, type CommonFlags } from './store-options.ts'
import { lendStore, namespaceNamed, refuseNoNamespace } from './work-on-store.ts'

interface McpFlags extends CommonFlags {
  readonly namespace: string
  readonly readOnly?: true
}

const SDK = '@modelcontextprotocol/sdk'
/** Shorter than another conversation waits for the folder. */
const REST_MS = 2_000

export function mcpCommand(): Command {
  return addCommonOptions(new Command('mcp'))
    .description('Serves tools by which a model remembers and recalls, as a server of MCP over stdin and stdout.')
    .option('--namespace <path>', 'where its memories are, as agent/ada', 'memories')
    .option('--read-only', 'only the tools that look')
    .addHelpText(
      'after',
      `\nA client starts it, and ends it by closing stdin. It needs the package ${SDK}.\n` +
        'A data folder that --dir names is made where there is none. An embedded database is open while it is\n' +
        'used, and two seconds more: several clients may name one folder.',
    )
    .addHelpText('after', '\nExample:\n  thermocline mcp --dir /home/ada/.thermocline --namespace agent/ada')
    .action(run)
}

async function run(flags: McpFlags): Promise<void> {
  const { serveStdio } = await loadServer()
  refuseNoNamespace(flags.namespace)
  const readOnly = flags.readOnly === true
  await lendStore(flags, { looks: readOnly, restMs: REST_MS }, async (lent, interrupted) => {
    const streams = { input: process.stdin, output: stdoutForWhole() }
    const lend: Parameters<typeof serveStdio>[0] = (work) =>
      lent.use((store) => work(namespaceNamed(store, flags.namespace)))
    await serveStdio(lend, { readOnly }, streams, interrupted)
  })
}

/** Before anything is opened or made. */
async function loadServer() {
  try {
    return await import('../adapters/mcp/serve-stdio.ts')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw missingPackages('the command', [SDK], { cause })
  }
}
