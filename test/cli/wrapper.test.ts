/** `npm run` and `npx` run a command by a shell that passes no signal on: it must not outlive them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { longTest, someOf } from '../tools/budget.ts'
import { compiled } from '../tools/compiled.ts'
import { StoreTemplate } from '../tools/store-template.ts'
import { startCli } from './run-cli.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

const template = new StoreTemplate()
beforeAll(() => template.make())
afterAll(() => template.remove())

/** A worker that npm runs; resolves when it runs. What it prints comes to an end when it has ended itself. */
async function runByNpm(dir: string): Promise<{ npm: ChildProcess; output: Promise<string> }> {
  const scripts = { sync: `${process.execPath} ${compiled(MAIN)} sync --dir ${dir}` }
  await writeFile(join(dir, 'package.json'), JSON.stringify({ name: 'app', version: '1.0.0', scripts }))
  const npm = spawn('npm', ['run', '--silent', 'sync'], {
    cwd: dir,
    env: { ...process.env, npm_config_update_notifier: 'false' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  const runs = new Promise<void>((resolve, reject) => {
    npm.stdout!.setEncoding('utf8').on('data', (data: string) => {
      text += data
      if (/the sync worker runs/.test(text)) resolve()
    })
    npm.once('close', () => reject(new Error(`ended early: ${text}`)))
  })
  onTestFinished(() => {
    npm.kill('SIGKILL')
    const pid = /"pid":(\d+)/.exec(text)?.[1]
    try {
      if (pid !== undefined) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // It has ended, as it should.
    }
  })
  const output = once(npm.stdout!, 'close').then(() => text)
  await runs
  return { npm, output }
}

// Where npm itself is killed, only Linux tells who the parent of its shell is.
test.each(someOf(process.platform === 'linux' ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGTERM'] as const)))(
  'a worker whose npm gets %s finishes and stops',
  async (signal) => {
    const { npm, output } = await runByNpm(await template.copy())
    npm.kill(signal)
    const lines = (await output).trim().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg).slice(-2)).toEqual([
      'the sync worker finishes',
      'the sync worker has stopped',
    ])
    for (const line of lines) expect(line.split('"pid":')).toHaveLength(2)
  },
)

longTest('a worker that nobody wraps outlives whoever started it', async () => {
  const dir = await template.copy()
  const starter = spawn(
    'sh',
    ['-c', `"$0" "$1" sync --dir "$2" & echo $!; wait`, process.execPath, compiled(MAIN), dir],
    {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  let text = ''
  starter.stdout.setEncoding('utf8').on('data', (data: string) => {
    text += data
  })
  const printed = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(text)) await once(starter.stdout, 'data')
  }
  await printed(/the sync worker runs/)
  const pid = Number(text.split('\n')[0])
  onTestFinished(() => {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  })
  starter.kill('SIGKILL')
  await once(starter, 'exit')
  // It still holds its folder well after it would have looked for its parent.
  const second = await startCli(['sync', '--dir', dir]).result
  expect(second).toMatchObject({ code: 4, stderr: expect.stringContaining(String(pid)) })
  process.kill(pid, 'SIGTERM')
  await printed(/"reason":"SIGTERM"[\s\S]*has stopped/)
})
