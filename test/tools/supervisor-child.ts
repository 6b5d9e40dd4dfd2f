/** Starts a Redis, says where it is, and waits to be killed. */
import { PrivateRedis } from './services.ts'

const { dir, connection } = await PrivateRedis.start({ onPort: true })
console.log(JSON.stringify({ dir, ...connection }))
setInterval(() => {}, 60_000)
