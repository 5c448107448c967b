import type { KnownScheduler } from '../../gateway/index.ts'
import type { Network } from '../../network/index.ts'
import type { PeerRecords } from './peer-records.ts'

/** Where another scheduler is: linked, so that it is spoken to through this node; or where it says in the record that it signed. */
export function schedulerAt(
  key: string,
  network: Pick<Network, 'peers'> | undefined,
  records: Pick<PeerRecords, 'of'> | undefined,
): KnownScheduler | undefined {
  if (network?.peers.some(peer => peer === key) === true) return { url: undefined }
  const record = records?.of(key as Parameters<PeerRecords['of']>[0])
  if (record === undefined || !record.roles.includes('scheduler')) return undefined
  // Clients go there: whoever signs a record may write anything into it.
  const { url } = record
  return { url: url !== undefined && /^https?:\/\/[^\s"]+$/.test(url) ? url.replace(/\/+$/, '') : undefined }
}
