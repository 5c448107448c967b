import {
  certifiedTree,
  decodeIc,
  decodeRequestEnvelope,
  isIcMap,
  lookUpValue,
  principalText,
  toUtf8,
} from '../../protocol/index.ts'
import { ANYWHERE, creationArgument, installArgument, principalMade } from './making-canisters.ts'
import { type Answer, postAll } from './raw-posts.ts'
import type { RequestSigner } from './signed-requests.ts'

/** Installs a program over the IC's interface; gives the canister's principal. */
export async function installCanister(url: string, signer: RequestSigner, wasm: Uint8Array): Promise<Uint8Array> {
  const nowhere = new Uint8Array(0)
  const create = signer.sign('call', nowhere, 'provisional_create_canister_with_cycles', creationArgument())
  const principal = principalMade(await replyOf(url, ANYWHERE, create))
  await replyOf(
    url,
    principalText(principal),
    signer.sign('call', nowhere, 'install_code', installArgument(principal, wasm)),
  )
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
export async function certifiedReply(
  url: string,
  canister: string,
  body: Uint8Array,
  answer: Answer | undefined,
): Promise<Uint8Array> {
  const map = decodeIc(answer?.body ?? new Uint8Array(0))
  const certificate = isIcMap(map) ? map.get('certificate') : undefined
  const status = decodeIc(new Uint8Array(await (await fetch(`${url}/api/v2/status`)).arrayBuffer()))
  const rootKey = isIcMap(status) ? status.get('root_key') : undefined
  if (!(certificate instanceof Uint8Array && rootKey instanceof Uint8Array))
    throw new Error(`no certificate of ${canister}: ${JSON.stringify([...(isIcMap(map) ? map : [])].map(String))}`)
  const tree = certifiedTree(certificate, rootKey, new Uint8Array(0))
  const { id } = decodeRequestEnvelope(body)
  const reply = tree && lookUpValue(tree, [toUtf8('request_status'), id, toUtf8('reply')])
  if (reply === undefined) throw new Error('the certificate shows no reply')
  return reply
}
