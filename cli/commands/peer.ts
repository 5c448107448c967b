import { Failure, type PeerView } from '../../protocol/index.ts'
import { adminTransport } from '../admin-transport.ts'
import type { CommandContext } from '../command.ts'
import { withNextStep } from '../showing/next-step.ts'
import { showDuration } from '../words/duration.ts'
import { renderTable } from '../showing/table.ts'
import { commandName } from '../showing/words-to-type.ts'

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
  await orStep(
    (await adminTransport(context)).request('addPeer', { address }, context.limits),
    'A node that was started with --listen prints its addresses.',
  )
  context.output.document(
    'peer.added',
    { address },
    () => `dialling ${address}; ${commandName(context)} peer list shows when it answers`,
  )
}

/** `atoll peer ping` */
export async function pingPeer(context: CommandContext): Promise<undefined> {
  const [peer = ''] = context.positionals
  const { ms } = await orStep((await adminTransport(context)).request('pingPeer', { peer }, context.limits), KEYS)
  context.output.document('peer.echo', { peer, ms }, () => `echo from ${peer} after ${showDuration(ms)}`)
}

/** `atoll peer block` */
export async function blockPeer(context: CommandContext): Promise<undefined> {
  const [peer = ''] = context.positionals
  await orStep((await adminTransport(context)).request('blockPeer', { peer }, context.limits), KEYS)
  context.output.document('peer.blocked', { peer, blocked: true }, () => `${peer} is not spoken to any more`)
}

/** `atoll peer unblock` */
export async function unblockPeer(context: CommandContext): Promise<undefined> {
  const [peer = ''] = context.positionals
  await orStep((await adminTransport(context)).request('unblockPeer', { peer }, context.limits), KEYS)
  context.output.document('peer.blocked', { peer, blocked: false }, () => `${peer} is spoken to again`)
}

const KEYS = (command: string): string => `${command} peer list shows the keys of those it is linked to, or dials.`

/** `asked`; where the node does not take what was named, `step` says what it takes. */
function orStep<T>(asked: Promise<T>, step: Parameters<typeof withNextStep>[1]): Promise<T> {
  return asked.catch((error: unknown) => {
    const isInput = Failure.is(error, 'malformed-request') || Failure.is(error, 'bad-config')
    throw isInput ? withNextStep(error, step) : error
  })
}

function stateOf({ state, kept, direction }: PeerView): string {
  return [state, ...(direction === undefined ? [] : [direction]), ...(kept ? ['kept'] : [])].join(', ')
}

function sinceOf({ connectedMs }: PeerView): string {
  return connectedMs === undefined ? '–' : showDuration(Math.max(0, Date.now() - connectedMs))
}
