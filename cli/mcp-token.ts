import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../protocol/index.ts'
import { makeSecret, refuseOpen } from '../secrets/index.ts'

const FILE = 'mcp-token'
const VARIABLE = 'ATOLL_MCP_TOKEN'
const TOKEN_MIN_LENGTH = 16

/** The word that programs show to the MCP server, and where it stands. */
export interface McpToken {
  readonly token: string
  readonly origin: string
}

/**
 * The token of this user: `ATOLL_MCP_TOKEN`, else the one in the home folder, which is made when it is first needed and
 * kept with 0600. @throws {Failure} `open-keys` if others can read it, `bad-config` if it is too short to be one
 */
export async function readMcpToken(home: string, env: Readonly<Record<string, string | undefined>>): Promise<McpToken> {
  const given = env[VARIABLE]
  if (given !== undefined && given !== '') return checked(given, VARIABLE)
  const file = join(home, FILE)
  await mkdir(home, { recursive: true, mode: 0o700 })
  if (!existsSync(file)) await makeSecret(file, `${randomBytes(32).toString('base64url')}\n`)
  await refuseOpen(file)
  return checked((await readFile(file, 'utf8')).trim(), file)
}

function checked(token: string, origin: string): McpToken {
  if (token.length >= TOKEN_MIN_LENGTH && /^[\x21-\x7e]+$/.test(token)) return { token, origin }
  throw new Failure(
    'bad-config',
    { token: origin },
    { note: `a token has ${TOKEN_MIN_LENGTH} characters or more, and no spaces` },
  )
}
