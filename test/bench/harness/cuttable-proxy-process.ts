/**
 * Forwards connections to a server that listens on TCP, until it is told to `cut`: then it breaks each, and lets none
 * in until it is told to `mend`. Its arguments are host and port of the server; it says its own port, and each time
 * that it has done what it was told.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

const [host, port] = process.argv.slice(2) as [string, string]
const sockets = new Set<Socket>()
let isCut = false

const proxy = createServer((client) => {
  if (isCut) return void client.destroy()
  const server = connect({ host, port: Number(port) })
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    sockets.add(one)
    one.setNoDelay(true)
    one.on('error', () => other.destroy())
    one.on('close', () => {
      sockets.delete(one)
      other.destroy()
    })
    one.pipe(other)
  }
})

process.once('disconnect', () => process.exit())
process.on('message', (order: 'cut' | 'mend') => {
  isCut = order === 'cut'
  if (isCut) for (const socket of sockets) socket.destroy()
  process.send!(order)
})
proxy.listen(0, '127.0.0.1')
await once(proxy, 'listening')
process.send!((proxy.address() as AddressInfo).port)
