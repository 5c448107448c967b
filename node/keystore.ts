import { randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { chmod, copyFile, link, lstat, open, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { diskFiles, makeFolder } from '../log/index.ts'
import { asKeyId, ed25519PublicKey, Failure, type KeyId, keyId } from '../protocol/index.ts'

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
  if (!existsSync(path)) await makeSecret(path)
  await refuseOpen(folder, 0o700)
  await refuseOpen(path, 0o600)
  return (await readFile(path, 'utf8')).trim()
}

/** A secret that has its name is whole, whenever a crash comes; of two starts at once the first gives it the name. */
async function makeSecret(path: string): Promise<void> {
  const unnamed = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const file = await open(unnamed, 'wx', 0o600)
    try {
      await file.writeFile(`${randomBytes(32).toString('base64url')}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    // There are disks, most of them of networks, whose files have one name each.
    const named = link(unnamed, path).catch(() => copyFile(unnamed, path, constants.COPYFILE_EXCL))
    await named.catch(error => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    })
  } finally {
    await rm(unnamed, { force: true })
  }
  await diskFiles.syncFolder(dirname(path))
}

/** @throws {Failure} `open-keys` if others than its owner can read or write what is at `path` */
export async function refuseOpen(path: string, mode: number): Promise<void> {
  if (process.platform === 'win32') return
  const found = (await lstat(path)).mode & 0o777
  if ((found & ~mode) === 0) return
  throw new Failure('open-keys', { path, mode: found.toString(8), expected: mode.toString(8) })
}

/** Makes a folder that only its owner can enter. */
export async function privateFolder(path: string): Promise<void> {
  await makeFolder(path)
  await chmod(path, 0o700)
}
