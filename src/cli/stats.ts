/** Runs `thermocline stats`: prints how much is where, once or again and again. */
import { setTimeout as delay } from 'node:timers/promises'
import { Command } from 'commander'
import type { MemoryStore } from '../store/memory-store.ts'
import { positive } from './query-flags.ts'
import { addCommonOptions, type CommonFlags } from './store-options.ts'
import { lookIntoStore, namespaceNamed } from './work-on-store.ts'

interface StatsFlags extends CommonFlags {
  readonly namespace?: string
  readonly recursive?: true
  readonly watch?: true | number
  readonly json?: true
}

const SECONDS_BETWEEN_LOOKS = 2
const CLEAR_SCREEN = '\u001b[H\u001b[2J'

export function statsCommand(): Command {
  return addCommonOptions(new Command('stats'))
    .description('Says how much hot and cold hold, and when the last sync was; or what a namespace has.')
    .option('--namespace <path>', 'what each tier has of this namespace, as tenant/acme')
    .option('--recursive', 'with --namespace: those below as well')
    .option('--watch [seconds]', `again and again, every ${SECONDS_BETWEEN_LOOKS} seconds`, positive('--watch'))
    .option('--json', 'report as JSON; with --watch a line each time')
    .addHelpText('after', '\nWhat a backend counts of its own calls only that backend can tell, by `store.stats()`.')
    .addHelpText('after', '\nExample:\n  thermocline stats --watch')
    .action(run)
}

async function run(flags: StatsFlags): Promise<void> {
  await lookIntoStore(flags, async (store, signal) => {
    const { watch, json } = flags
    do {
      const numbers = await look(store, flags, signal)
      if (watch !== undefined && !json && process.stdout.isTTY) process.stdout.write(CLEAR_SCREEN)
      console.log(json ? JSON.stringify(numbers, (_, value: unknown) => value ?? null) : lines(numbers).join('\n'))
    } while (watch !== undefined && (await waited(watch === true ? SECONDS_BETWEEN_LOOKS : watch, signal)))
  })
}

/** False once somebody wants it to end, as a watch does. */
async function waited(seconds: number, signal: AbortSignal): Promise<boolean> {
  await delay(seconds * 1_000, undefined, { signal }).catch(() => {})
  return !signal.aborted
}

async function look(store: MemoryStore, { namespace, recursive }: StatsFlags, signal: AbortSignal): Promise<object> {
  if (namespace !== undefined) return namespaceNamed(store, namespace).stats({ recursive, signal })
  // The rest is of this process, which did nothing but look.
  const { hot, cold, sync } = await store.stats({ signal })
  return { hot, cold, sync }
}

/** `a.b.c  value`, a line for each number. */
function lines(numbers: object): string[] {
  const leaves = leavesOf(numbers, [])
  const width = Math.max(...leaves.map(([path]) => path.length))
  return leaves.map(([path, value]) => `${path.padEnd(width)}  ${value}`)
}

function leavesOf(value: unknown, path: readonly string[]): [string, string][] {
  if (value instanceof Date) return [[path.join('.'), value.toISOString()]]
  if (typeof value !== 'object' || value === null) return [[path.join('.'), value === undefined ? '-' : String(value)]]
  return Object.entries(value).flatMap(([name, each]) => leavesOf(each, [...path, name]))
}
