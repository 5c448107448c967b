import {
  asMessageId,
  type Assignment,
  type AssignmentView,
  type Attested,
  decodeIngress,
  decodePushBody,
  type Envelope,
  envelopeId,
  type EnvelopeView,
  isFinal,
  type ItemOrPushView,
  type ModuleDescription,
  type ModuleView,
  type OutboxEntryView,
  parseDataItem,
  principalText,
  type ProcessDescription,
  type ProcessId,
  type ProcessView,
  type Push,
  pushId,
  type Result,
  type ResultView,
  type Slot,
  toBase64Url,
} from '../../protocol/index.ts'

/** How the things of the network look through the API: plain values, nothing computed lazily. */

export function showModule(module: Omit<ModuleDescription, 'wasm'>, sizeBytes?: number): ModuleView {
  const { id, owner, format, tags } = module
  return { id, owner, format, tags, sizeBytes }
}

export function showProcess(process: ProcessDescription): ProcessView {
  const { id, module, owner, parent, tags, policy, epoch } = process
  return { id, module, owner, parent, tags, policy, epoch }
}

export function showResult(process: ProcessId, result: Result, attested: Attested): ResultView {
  const { slot, status, gas, error, output, log, assigns, dropped } = result
  const outbox = result.outbox.map(showOutboxEntry)
  const message = result.message && asMessageId(toBase64Url(result.message))
  const what = { process, slot, message, status, gas, error, output, log, outbox, assigns, dropped }
  return { ...what, final: isFinal(attested), attested }
}

function showOutboxEntry(push: Push): OutboxEntryView {
  const { to, seq, depth, fuel } = push.core
  const { kind, tags, data, anchor } = decodePushBody(push.bodyBytes)
  return { id: pushId(push.coreBytes), kind, to, seq, depth, fuel, tags, data, anchor }
}

/** Shows what stands in `slot`; `block` is the frame it was found in. */
export function showAssignment(
  place: { process: ProcessId; slot: Slot; block: number },
  assignment: Assignment,
): AssignmentView {
  const { timestampMs, envelope } = assignment
  const id = envelopeId(envelope, place.process, place.slot)
  return { id, ...place, timestampMs, envelope: showEnvelope(envelope) }
}

function showEnvelope(envelope: Envelope): EnvelopeView {
  switch (envelope.kind) {
    case 'item':
    case 'push':
      return showItemOrPush(envelope)
    case 'tick':
    case 'reject':
      return envelope
    case 'ingress':
      return showIngress(envelope.bytes)
    case 'assign':
      return {
        kind: 'assign',
        message: showItemOrPush(envelope.message),
        exclude: envelope.exclude,
      }
  }
}

function showIngress(bytes: Uint8Array): EnvelopeView {
  const { request } = decodeIngress(bytes)
  const [sender, canister] = [principalText(request.sender), principalText(request.canister)]
  return {
    kind: 'ingress',
    sender,
    canister,
    method: request.method,
    arg: request.arg,
    request: bytes,
  }
}

function showItemOrPush(envelope: Extract<Envelope, { kind: 'item' | 'push' }>): ItemOrPushView {
  if (envelope.kind === 'item') {
    const { scheme, owner, ownerAddress, target, anchor, tags, data, signature } = parseDataItem(envelope.item)
    return { kind: 'item', scheme, owner, ownerAddress, target, anchor, tags, data, signature }
  }
  const { from, slot, index, seq, to, depth, fuel, origin } = envelope.push.core
  const { kind, tags, data, anchor } = decodePushBody(envelope.push.bodyBytes)
  return {
    kind: 'push',
    from,
    fromSlot: slot,
    index,
    seq,
    to,
    depth,
    fuel,
    origin,
    spawns: kind === 'spawn',
    tags,
    data,
    anchor,
  }
}
