import { isIP } from 'node:net'
import { MalformedBytes, principalFromText } from '../protocol/index.ts'

const FORM = /^([a-z0-9-]{1,63})\.(?:raw\.)?([^:]+)(:\d{1,5})?$/

/**
 * Takes `<canister>.<host>` apart, and `<canister>.raw.<host>`: pages of each canister have a host of their own, so that browsers
 * keep them apart from each other and from the node. Nothing, if it is no such name.
 */
export function canisterOfHost(header: string): { readonly canister: Uint8Array; readonly host: string } | undefined {
  const [, label = '', name = '', port = ''] = FORM.exec(header.toLowerCase()) ?? []
  if (label === '' || isIP(name) !== 0) return undefined
  try {
    return { canister: principalFromText(label), host: name + port }
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
