import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { Child } from '../wal/child.ts'
import { describeWithRedis } from './services.ts'

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    return await new Promise((resolve) =>
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
    )
  } finally {
    socket.destroy()
  }
}

describeWithRedis('a server of a test', () => {
  test('is gone, and its folder with it, once the process that started it was killed', async () => {
    const child = new Child('../tools/supervisor-child.ts', [])
    const { dir, port } = JSON.parse((await child.line())!) as { dir: string; port: number }
    expect([existsSync(dir), await accepts(port)]).toEqual([true, true])
    await child.kill()
    await expect.poll(() => existsSync(dir)).toBe(false)
    expect(await accepts(port)).toBe(false)
  })
})
