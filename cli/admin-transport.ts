import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { loadConfig } from '../node/index.ts'
import { Failure } from '../protocol/index.ts'
import { httpTransport, type Transport } from '../sdk/index.ts'
import type { CommandContext } from './command.ts'
import { configFlags } from './words/config-flags.ts'

const VARIABLE = 'ATOLL_ADMIN_TOKEN'

/**
 * The way to a node for whoever runs it, with its admin token: `ATOLL_ADMIN_TOKEN`, else the one in the data folder.
 * @throws {Failure} `not-permitted` if there is none at hand
 */
export async function adminTransport({ settings, flags, terminal }: CommandContext): Promise<Transport> {
  const given = terminal.env[VARIABLE]
  const adminToken = given !== undefined && given !== '' ? given : await tokenOf({ flags, terminal })
  return httpTransport({ url: settings.url, adminToken })
}

async function tokenOf({ flags, terminal }: Pick<CommandContext, 'flags' | 'terminal'>): Promise<string> {
  const { data } = flags
  const { config } = await loadConfig({
    flags: configFlags(data === undefined ? {} : { data }),
    env: terminal.env,
    cwd: terminal.cwd,
  })
  const path = join(config.data, 'keys', 'admin-token')
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    throw new Failure(
      'not-permitted',
      { path },
      { cause, note: `no token there; name the data folder with --data, or set ${VARIABLE}` },
    )
  }
}
