import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder } from '../log/index.ts'
import { asKeyId, ed25519PublicKey, Failure, type KeyId, keyId } from '../protocol/index.ts'
import { makeSecret, refuseOpen } from '../secrets/index.ts'

/** What a node keeps secret. */
export interface NodeKeys {
  /** Ed25519 seed: the node's name, and what its scheduler and compute unit sign with, each under a domain of its own. */
  readonly seed: Uint8Array
  readonly key: KeyId
  /** What the admin operations ask for, 43 characters. */
  readonly adminToken: string
}

/** 32 bytes in Base64: of one that a crash or a full disk cut short, the rest could be guessed. */
const TOKEN_LENGTH = 43

/**
 * Reads the keys of a node from `folder`, or makes them there on the first start.
 * @throws {Failure} `open-keys` if anybody else could read them, `data-folder-damaged` if they are cut short
 */
export async function openKeystore(folder: string): Promise<NodeKeys> {
  await makeFolder(folder)
  const seed = Buffer.from(await secret(join(folder, 'node-key'), folder), 'base64url')
  if (seed.length !== 32)
    throw new Failure('data-folder-damaged', { file: 'node-key' }, { note: 'not a key of 32 bytes' })
  const adminToken = await secret(join(folder, 'admin-token'), folder)
  if (adminToken.length < TOKEN_LENGTH)
    throw new Failure(
      'data-folder-damaged',
      { file: 'admin-token' },
      { note: `of fewer than ${TOKEN_LENGTH} characters: remove the file to have another made` },
    )
  const bytes = new Uint8Array(seed)
  return { seed: bytes, key: asKeyId(keyId(ed25519PublicKey(bytes))), adminToken }
}

async function secret(path: string, folder: string): Promise<string> {
  if (!existsSync(path)) await makeSecret(path, `${randomBytes(32).toString('base64url')}\n`)
  await refuseOpen(folder, 0o700)
  await refuseOpen(path)
  return (await readFile(path, 'utf8')).trim()
}

/** Makes a folder that only its owner can enter. */
export async function privateFolder(path: string): Promise<void> {
  await makeFolder(path)
  await chmod(path, 0o700)
}
