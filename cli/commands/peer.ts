import type { PeerView } from '../../protocol/index.ts'
import { adminTransport } from '../admin-transport.ts'
import type { CommandContext } from '../command.ts'
import { showDuration } from '../duration.ts'
import { renderTable } from '../table.ts'

/** `atoll peer list` */
export async function listPeers(context: CommandContext): Promise<undefined> {
  const transport = await adminTransport(context)
  const { peers } = await transport.request('listPeers', {}, context.limits)
  context.output.list('peer', 'peers', peers, () =>
    renderTable(
      [
        { title: 'KEY' },
        { title: 'STATE' },
        { title: 'SINCE', right: true },
        { title: 'OFFENCES', right: true },
        { title: 'ADDRESS' },
      ],
      peers.map(peer => [
        peer.key ?? '–',
        stateOf(peer),
        sinceOf(peer),
        String(peer.offences),
        peer.addresses.join(' ') || '–',
      ]),
    ),
  )
}

/** `atoll peer add` */
export async function addPeer(context: CommandContext): Promise<undefined> {
  const [address = ''] = context.positionals
  await (await adminTransport(context)).request('addPeer', { address }, context.limits)
  context.output.document('peer.added', { address }, () => `dialling ${address}; atoll peer list shows when it answers`)
}

/** `atoll peer ping` */
export async function pingPeer(context: CommandContext): Promise<undefined> {
  const [peer = ''] = context.positionals
  const { ms } = await (await adminTransport(context)).request('pingPeer', { peer }, context.limits)
  context.output.document('peer.echo', { peer, ms }, () => `echo from ${peer} after ${showDuration(ms)}`)
}

/** `atoll peer block` */
export async function blockPeer(context: CommandContext): Promise<undefined> {
  const [peer = ''] = context.positionals
  await (await adminTransport(context)).request('blockPeer', { peer }, context.limits)
  context.output.document('peer.blocked', { peer, blocked: true }, () => `${peer} is not spoken to any more`)
}

/** `atoll peer unblock` */
export async function unblockPeer(context: CommandContext): Promise<undefined> {
  const [peer = ''] = context.positionals
  await (await adminTransport(context)).request('unblockPeer', { peer }, context.limits)
  context.output.document('peer.blocked', { peer, blocked: false }, () => `${peer} is spoken to again`)
}

function stateOf({ state, kept, direction }: PeerView): string {
  return [state, ...(direction === undefined ? [] : [direction]), ...(kept ? ['kept'] : [])].join(', ')
}

function sinceOf({ connectedMs }: PeerView): string {
  return connectedMs === undefined ? '–' : showDuration(Math.max(0, Date.now() - connectedMs))
}
