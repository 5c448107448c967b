import { chmod, lstat, mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type ArweaveJwk,
  arweaveSigner,
  ed25519Signer,
  Failure,
  fromBase64Url,
  generateEd25519Seed,
  type Signer,
  toBase64Url,
} from '../protocol/index.ts'
import { readSettingsFile, SETTINGS_FILE } from './settings.ts'

/** Somebody the user can sign as. */
export interface Identity {
  readonly name: string
  readonly kind: 'ed25519' | 'arweave'
  /** What processes see as the sender. */
  readonly address: string
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i
const FOLDER = 'identities'
const VERSION = 1

/**
 * The identities of a user: one file each, 0600 in a folder of 0700. Files that others could read are refused:
 * a key somebody else may have copied is no key.
 */
export class IdentityStore {
  readonly #home: string

  constructor(home: string) {
    this.#home = home
  }

  /** Where the file of an identity is. @throws {Failure} `usage` on a name that cannot be one */
  pathOf(name: string): string {
    if (!NAME.test(name)) throw new Failure('usage', { name }, { note: 'a name has letters, digits, dots and dashes' })
    return join(this.#home, FOLDER, `${name}.json`)
  }

  /** Makes a new Ed25519 identity. @throws {Failure} `already-there` if there is one of that name */
  create(name: string): Promise<Identity> {
    return this.#write(name, 'ed25519', { seed: toBase64Url(generateEd25519Seed()) })
  }

  /** Takes in an Arweave wallet. @throws {Failure} `usage`, `unsupported-key` */
  async importArweave(name: string, text: string): Promise<Identity> {
    return this.#write(name, 'arweave', { jwk: await parseJwk(text) })
  }

  /** All identities, in order of their names. */
  async list(): Promise<Identity[]> {
    const found: Identity[] = []
    for (const file of (await this.#files()).sort()) {
      const name = file.slice(0, -'.json'.length)
      const { kind, signer } = await this.#open(name)
      found.push({ name, kind, address: signer.address })
    }
    return found
  }

  /** Who signs as `name`. @throws {Failure} `unknown-identity`, `open-keys`, `unsupported-key` */
  async signer(name: string): Promise<Signer> {
    return (await this.#open(name)).signer
  }

  async has(name: string): Promise<boolean> {
    return (await this.#files()).includes(`${name}.json`)
  }

  /** Makes `name` the one that signs unless a command says otherwise. @throws {Failure} `unknown-identity` */
  async use(name: string): Promise<void> {
    await this.#open(name)
    const settings = { ...(await readSettingsFile(this.#home)), identity: name }
    const path = join(this.#home, SETTINGS_FILE)
    await writeFile(`${path}.new`, `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }

  async #files(): Promise<string[]> {
    try {
      return (await readdir(join(this.#home, FOLDER))).filter(file => file.endsWith('.json'))
    } catch (error) {
      if (isMissing(error)) return []
      throw error
    }
  }

  async #write(name: string, kind: Identity['kind'], secret: object): Promise<Identity> {
    const path = this.pathOf(name)
    const folder = join(this.#home, FOLDER)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
    const { address } = signerOf(kind, { ...secret })
    const text = JSON.stringify({ $type: 'identity', v: VERSION, name, kind, address, ...secret }, undefined, 2)
    try {
      // Exclusive: an identity is never written over.
      const file = await open(path, 'wx', 0o600)
      await file.writeFile(`${text}\n`)
      await file.sync()
      await file.close()
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
      throw new Failure('already-there', { identity: name, path })
    }
    return { name, kind, address }
  }

  async #open(name: string): Promise<{ kind: Identity['kind']; signer: Signer }> {
    const path = this.pathOf(name)
    let text: string
    try {
      await refuseOpenFile(path)
      text = await readFile(path, 'utf8')
    } catch (error) {
      if (!isMissing(error)) throw error
      throw new Failure('unknown-identity', { identity: name })
    }
    try {
      const fields = JSON.parse(text) as Readonly<Record<string, unknown>>
      const kind = fields['kind'] === 'arweave' ? 'arweave' : 'ed25519'
      return { kind, signer: signerOf(kind, fields) }
    } catch (cause) {
      throw new Failure('unsupported-key', { file: path }, { cause })
    }
  }
}

function signerOf(kind: Identity['kind'], fields: Readonly<Record<string, unknown>>): Signer {
  if (kind === 'arweave') return arweaveSigner(fields['jwk'] as ArweaveJwk)
  return ed25519Signer(fromBase64Url(String(fields['seed'])))
}

/** Reads a wallet, and signs with it once: a public key alone is no identity. */
async function parseJwk(text: string): Promise<ArweaveJwk> {
  try {
    const jwk = JSON.parse(text) as ArweaveJwk
    await arweaveSigner(jwk).sign(new Uint8Array(48))
    return jwk
  } catch (cause) {
    throw new Failure('unsupported-key', {}, { cause, note: 'expected an Arweave wallet file' })
  }
}

async function refuseOpenFile(path: string): Promise<void> {
  const mode = (await lstat(path)).mode & 0o777
  if (process.platform === 'win32' || (mode & 0o077) === 0) return
  throw new Failure('open-keys', { path, mode: mode.toString(8), expected: '600' })
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
