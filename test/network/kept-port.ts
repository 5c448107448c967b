import { once } from 'node:events'
import { createServer } from 'node:net'

/** Ports that no system gives to outgoing connections by itself: those of Linux begin at 32,768, those of others above. */
const [FIRST, COUNT] = [10_000, 20_000]

/** A port of loopback for a node that is killed and comes back to it: nobody uses it now, and no connection takes it meanwhile. */
export async function keptPort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    const server = createServer()
    server.listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
