import { chmod, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  arweaveSigner,
  ed25519Signer,
  Failure,
  fromBase64Url,
  generateEd25519Seed,
  type Signer,
  secp256k1Signer,
  toBase64Url,
} from '../protocol/index.ts'
import { ed25519IcSigner, type IcSigner, secp256k1IcSigner } from './ic/ic-signer.ts'
import { readKey, type SecretKey } from './words/read-key.ts'
import { readSettingsFile, SETTINGS_FILE } from './words/settings.ts'
import { makeSecret, refuseOpen } from '../secrets/index.ts'

/** Somebody the user can sign as. */
export interface Identity {
  readonly name: string
  readonly kind: SecretKey['kind']
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
    return this.#write(name, { kind: 'ed25519', seed: toBase64Url(generateEd25519Seed()) })
  }

  /** Takes in a wallet or key file. @throws {Failure} `usage`, `unsupported-key`, `already-there` */
  async import(name: string, text: string): Promise<Identity> {
    return this.#write(name, await readKey(text))
  }

  /** All identities, in order of their names. */
  async list(): Promise<Identity[]> {
    const found: Identity[] = []
    for (const file of (await this.#files()).sort()) {
      const name = file.slice(0, -'.json'.length)
      const key = await this.#open(name)
      found.push({ name, kind: key.kind, address: signerOf(key).address })
    }
    return found
  }

  /** Who signs as `name`. @throws {Failure} `unknown-identity`, `open-keys`, `unsupported-key` */
  async signer(name: string): Promise<Signer> {
    return signerOf(await this.#open(name))
  }

  /** Who calls canisters as `name`. @throws {Failure} as `signer`, and `unsupported-key` for a key that the IC does not know */
  async icSigner(name: string): Promise<IcSigner> {
    const key = await this.#open(name)
    if (key.kind === 'secp256k1') return secp256k1IcSigner(fromBase64Url(key.secret))
    if (key.kind === 'ed25519') return ed25519IcSigner(signerOf(key))
    const note = 'canisters are called with an Ed25519 or secp256k1 identity'
    throw new Failure('unsupported-key', { identity: name, kind: key.kind }, { note })
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

  async #write(name: string, key: SecretKey): Promise<Identity> {
    const path = this.pathOf(name)
    const folder = join(this.#home, FOLDER)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
    const { kind, ...secret } = key
    const { address } = signerOf(key)
    const text = JSON.stringify({ $type: 'identity', v: VERSION, name, kind, address, ...secret }, undefined, 2)
    if (!(await makeSecret(path, `${text}\n`))) throw new Failure('already-there', { identity: name, path })
    return { name, kind, address }
  }

  /** A key that can sign. */
  async #open(name: string): Promise<SecretKey> {
    const path = this.pathOf(name)
    let text: string
    try {
      await refuseOpen(path)
      text = await readFile(path, 'utf8')
    } catch (error) {
      if (!isMissing(error)) throw error
      throw new Failure('unknown-identity', { identity: name })
    }
    try {
      const key = JSON.parse(text) as SecretKey
      signerOf(key)
      return key
    } catch (cause) {
      throw new Failure('unsupported-key', { file: path }, { cause })
    }
  }
}

function signerOf(key: SecretKey): Signer {
  switch (key.kind) {
    case 'arweave':
      return arweaveSigner(key.jwk)
    case 'secp256k1':
      return secp256k1Signer(fromBase64Url(key.secret))
    case 'ed25519':
      return ed25519Signer(fromBase64Url(key.seed))
    default:
      throw new Error('no such kind of key')
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
