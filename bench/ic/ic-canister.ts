import {
  candidFields,
  candidLabel,
  candidRecord,
  type CandidType,
  candidVariant,
  certifiedTree,
  decodeCandid,
  decodeIc,
  decodeRequestEnvelope,
  encodeCandid,
  firstRecord,
  isIcMap,
  lookUpValue,
  principalText,
  toUtf8,
} from '../../protocol/index.ts'
import { type Answer, postAll } from './raw-posts.ts'
import type { RequestSigner } from './signed-requests.ts'

const ANYWHERE = 'ryjl3-tyaaa-aaaaa-aaaba-cai'
const MODE: CandidType = { variant: candidFields({ install: 'null', reinstall: 'null' }) }
const INSTALL: CandidType = { record: candidFields({ mode: MODE, canister_id: 'principal', wasm_module: { vec: 'nat8' }, arg: { vec: 'nat8' } }) }
const CREATE: CandidType = { record: candidFields({}) }

/** Installs a program over the IC's interface; gives the canister's principal. */
export async function installCanister(url: string, signer: RequestSigner, wasm: Uint8Array): Promise<Uint8Array> {
  const nowhere = new Uint8Array(0)
  const create = signer.sign('call', nowhere, 'provisional_create_canister_with_cycles', encodeCandid([[CREATE, candidRecord({})]]))
  const made = firstRecord(decodeCandid(await replyOf(url, ANYWHERE, create))).get(candidLabel('canister_id'))
  if (typeof made !== 'object' || made === null || !('principal' in made)) throw new Error('no canister was made')
  const { principal } = made
  const argument = candidRecord({ mode: candidVariant('install'), canister_id: { principal }, wasm_module: wasm, arg: new Uint8Array(0) })
  await replyOf(url, principalText(principal), signer.sign('call', nowhere, 'install_code', encodeCandid([[INSTALL, argument]])))
  return principal
}

async function replyOf(url: string, effective: string, body: Uint8Array): Promise<Uint8Array> {
  let answer: Answer | undefined
  await postAll(url, `/api/v3/canister/${effective}/call`, [body], 1, given => {
    answer = given
  })
  return certifiedReply(url, effective, body, answer)
}

/** The reply that a certificate shows under the root key of the node. @throws {Error} if it shows none */
export async function certifiedReply(url: string, canister: string, body: Uint8Array, answer: Answer | undefined): Promise<Uint8Array> {
  const map = decodeIc(answer?.body ?? new Uint8Array(0))
  const certificate = isIcMap(map) ? map.get('certificate') : undefined
  const status = decodeIc(new Uint8Array(await (await fetch(`${url}/api/v2/status`)).arrayBuffer()))
  const rootKey = isIcMap(status) ? status.get('root_key') : undefined
  if (!(certificate instanceof Uint8Array && rootKey instanceof Uint8Array)) throw new Error(`no certificate of ${canister}: ${JSON.stringify([...(isIcMap(map) ? map : [])].map(String))}`)
  const tree = certifiedTree(certificate, rootKey, new Uint8Array(0))
  const { id } = decodeRequestEnvelope(body)
  const reply = tree && lookUpValue(tree, [toUtf8('request_status'), id, toUtf8('reply')])
  if (reply === undefined) throw new Error('the certificate shows no reply')
  return reply
}
