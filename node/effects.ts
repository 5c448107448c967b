import { readFile } from 'node:fs/promises'
import { type EffectOffer, httpFetch, type LlmEndpoint, llmGenerate } from '../messenger-unit/index.ts'
import { ed25519Signer, type Effects, Failure } from '../protocol/index.ts'
import { refuseOpen } from '../secrets/index.ts'
import type { NodeKeys } from './keystore.ts'

/** What a node may be asked to do outside the network. */
export interface EffectOptions {
  /** Hosts that processes may reach with `http.fetch`: `[scheme://]host[:port]`, `*.host`, `*`; none, if not given. */
  readonly effectsHttp?: readonly string[] | undefined
  /** Owners and processes that effects are performed for; everybody, if not given. */
  readonly effectsFor?: readonly string[] | undefined
  /** Base of the OpenAI-compatible API behind `llm.generate`, and the model asked when a process names none. */
  readonly llmUrl?: string | undefined
  readonly llmModel?: string | undefined
  /** Models that a process may name, beside that one. */
  readonly llmModels?: readonly string[] | undefined
  /** File with the key of that API, 0600. */
  readonly llmKeyFile?: string | undefined
  readonly llmMaxTokens?: number | undefined
  /** Effects of this program's own, beside those or in their place. */
  readonly effects?: Effects | undefined
}

/**
 * What a node does for processes outside the network, in its own name: what its settings allow, and what the program
 * that runs it adds. @throws {Failure} `bad-config`, `open-keys`
 */
export async function openEffects(keys: NodeKeys, options: EffectOptions): Promise<EffectOffer> {
  const endpoint = await llmEndpoint(options)
  const effects: Effects = {
    'http.fetch': httpFetch({ allow: options.effectsHttp ?? [] }),
    ...(endpoint === undefined ? {} : { 'llm.generate': llmGenerate(endpoint) }),
    ...options.effects,
  }
  return { key: keys.key, signer: ed25519Signer(keys.seed), effects, allow: options.effectsFor ?? ['*'] }
}

async function llmEndpoint(settings: EffectOptions): Promise<LlmEndpoint | undefined> {
  const { llmUrl: url, llmModel: model, llmModels: others = [], llmKeyFile, llmMaxTokens: maxTokens } = settings
  if (url === undefined) return undefined
  refuseOtherThanHttp(url)
  if (model === undefined) throw new Failure('bad-config', { setting: 'llmModel' }, { note: 'llmUrl needs it' })
  const key = llmKeyFile === undefined ? undefined : await readKey(llmKeyFile)
  return { url, key, model, models: [model, ...others], maxTokens }
}

/** What cannot be asked is told at the start, not to the first process. */
function refuseOtherThanHttp(llmUrl: string): void {
  const url = URL.parse(llmUrl)
  const bad = (note: string): Failure => new Failure('bad-config', { setting: 'llmUrl' }, { note })
  if (url === null || !/^https?:$/.test(url.protocol))
    throw bad('expected an address that begins with http:// or https://')
  if (url.username !== '' || url.password !== '') throw bad('a key belongs into llmKeyFile, not into the address')
}

async function readKey(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new Failure('bad-config', { setting: 'llmKeyFile', path }, { cause, note: 'it cannot be read' })
  })
  await refuseOpen(path)
  const key = text.trim()
  if (!/^[\x21-\x7e]+$/.test(key))
    throw new Failure('bad-config', { setting: 'llmKeyFile', path }, { note: 'expected a key alone, in one line' })
  return key
}
