import { McpHttpServer, type McpParts, serveMcpOverStdio } from '../../mcp/index.ts'
import { connect } from '../../sdk/index.ts'
import { Failure } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { readMcpToken } from '../mcp-token.ts'
import { countFlag, textsFlag } from '../words/message-arguments.ts'
import { commandName } from '../showing/words-to-type.ts'
import { VERSION } from '../version.ts'

/** One beside the node's own. */
const DEFAULT_PORT = 7334

/** `atoll mcp`: processes as tools, until it is interrupted or its input ends. */
export async function mcp(context: CommandContext): Promise<undefined> {
  const { flags, settings, terminal } = context
  const allowWrite = flags['allow-write'] === true
  const signer = allowWrite ? await context.signer() : undefined
  const parts: McpParts = {
    client: connect({ url: settings.url, signer }),
    version: VERSION,
    command: commandName(context),
    allowWrite,
    processes: textsFlag(flags, 'process'),
    timeoutMs: settings.timeoutMs,
  }
  await warnOfUnknown(context, parts.processes)
  if (flags['http'] === true) await serveOverHttp(context, parts)
  else {
    if (process.stdin.isTTY) terminal.err(`${STDIO}\n`)
    await serveMcpOverStdio(parts, terminal.signal)
  }
}

const STDIO = 'a host of language models starts this, and speaks JSON-RPC over standard input; --http serves on a port'

/** A name that leads to nothing is no tool, and nobody would hear why: what is missing may still be made. */
async function warnOfUnknown(context: CommandContext, names: readonly string[]): Promise<void> {
  for (const name of names) {
    await findProcess(context, name).catch((error: unknown) => {
      context.terminal.err(`${Failure.from(error).message}; no tools are shown of it until there is one\n`)
    })
  }
}

async function serveOverHttp({ flags, settings, terminal, output }: CommandContext, parts: McpParts): Promise<void> {
  const { token, origin } = await readMcpToken(settings.home, terminal.env)
  await using server = await McpHttpServer.open({ ...parts, port: countFlag(flags, 'port') ?? DEFAULT_PORT, token })
  output.document('mcp.ready', { url: server.url, token: origin, allowWrite: parts.allowWrite }, () =>
    [`MCP at ${server.url}`, `Authorization: Bearer, with the token in ${origin}`].join('\n'),
  )
  await new Promise<void>(resolve => {
    terminal.signal.addEventListener('abort', () => resolve(), { once: true })
    if (terminal.signal.aborted) resolve()
  })
}
