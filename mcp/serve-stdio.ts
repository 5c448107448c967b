import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { type McpParts, mcpServers } from './server.ts'

/** Serves over standard input and output until the input ends or the signal fires. */
export async function serveMcpOverStdio(parts: McpParts, signal: AbortSignal): Promise<void> {
  const handle = serveStdio(mcpServers(parts))
  await new Promise<void>(resolve => {
    process.stdin.once('end', resolve).once('close', resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
  })
  await handle.close()
}
