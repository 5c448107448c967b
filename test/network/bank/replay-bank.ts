import {
  decodeFrame,
  decodePushBody,
  type Envelope,
  findTag,
  parseDataItem,
  type Tag,
  verifyDataItem,
} from '../../../protocol/index.ts'

/** Left its sender in that slot, or took effect in it. */
export interface Deposit {
  readonly quantity: bigint
  readonly slot: number
}

/**
 * What a bank's feeds say, worked out from the feeds alone by the rules of the network and of the branch, without a line
 * of the compute unit: who sent what to whom, what of it took effect and where, and what every branch holds.
 */
export interface ReplayedBranch {
  readonly id: string
  balance: bigint
  /** What this branch sent to each other, in order. */
  readonly sent: Map<string, Deposit[]>
  /** What took effect here, of each sender, in order. */
  readonly taken: Map<string, Deposit[]>
  /** Slots in which users' transfers took effect, by the id of the message. */
  readonly transfers: Map<string, number>
  /** Blocks of its feed that were read. */
  blocks: number
  slots: number
  /** Slots that had no effect: repetitions, and pushes before their turn. */
  idle: number
}

/** A branch of which nothing was read yet. */
export function unreadBranch(id: string): ReplayedBranch {
  return {
    id,
    balance: 0n,
    sent: new Map(),
    taken: new Map(),
    transfers: new Map(),
    blocks: 0,
    slots: 0,
    idle: 0,
  }
}

/** Reads on in its feed. @throws {Error} if that has a gap, or an envelope that no branch can be sent */
export function replayBranch(branch: ReplayedBranch, blocks: readonly Uint8Array[]): void {
  const { id } = branch
  for (const bytes of blocks) {
    const { firstSlot, assignments } = decodeFrame(bytes)
    if (firstSlot !== branch.slots) throw new Error(`${id}: slot ${firstSlot} follows ${branch.slots}`)
    for (const { envelope } of assignments) {
      take(branch, envelope, branch.slots)
      branch.slots += 1
    }
    branch.blocks += 1
  }
}

function take(branch: ReplayedBranch, envelope: Envelope, slot: number): void {
  if (slot === 0) branch.balance = 1_000_000n
  else if (envelope.kind === 'item') takeItem(branch, envelope.item, slot)
  else if (envelope.kind === 'push') takePush(branch, envelope, slot)
  else throw new Error(`${branch.id}: ${envelope.kind} in slot ${slot}`)
}

function takeItem(branch: ReplayedBranch, bytes: Uint8Array, slot: number): void {
  const item = parseDataItem(bytes)
  if (!verifyDataItem(item)) throw new Error(`${branch.id}: a signature does not hold in slot ${slot}`)
  if (branch.transfers.has(item.id)) {
    branch.idle += 1
    return
  }
  branch.transfers.set(item.id, slot)
  const [to, quantity] = [findTag(item.tags, 'To') ?? '', quantityOf(item.tags)]
  branch.balance -= quantity
  const sent = branch.sent.get(to) ?? []
  branch.sent.set(to, sent)
  sent.push({ quantity, slot })
}

function takePush(branch: ReplayedBranch, { push }: Extract<Envelope, { kind: 'push' }>, slot: number): void {
  const { from, seq } = push.core
  const taken = branch.taken.get(from) ?? []
  branch.taken.set(from, taken)
  // Behind its turn: there already. Before its turn: it comes again.
  if (seq !== taken.length) {
    branch.idle += 1
    return
  }
  const quantity = quantityOf(decodePushBody(push.bodyBytes).tags)
  branch.balance += quantity
  taken.push({ quantity, slot })
}

const quantityOf = (tags: readonly Tag[]): bigint => BigInt(findTag(tags, 'Quantity') ?? '')

/**
 * Checks that the branches make one bank: every deposit is the transfer that it should be, in the order in which they were
 * sent, and none is missing; so the total is what it was, at every cut through the feeds that takes nothing before it
 * was sent. Walks through hundreds of such cuts, drawn by `random`, and adds up.
 * @throws {Error} saying what is wrong
 */
export function checkBank(branches: ReadonlyMap<string, ReplayedBranch>, random: () => number): void {
  for (const from of branches.values()) {
    for (const [to, sent] of from.sent) {
      const taken = branches.get(to)?.taken.get(from.id) ?? []
      if (taken.length !== sent.length || taken.some(({ quantity }, nth) => quantity !== sent[nth]?.quantity))
        throw new Error(`${from.id} sent ${sent.length} to ${to}, of which ${taken.length} arrived`)
    }
    for (const other of from.taken.keys()) {
      if (!branches.has(other)) throw new Error(`${from.id} took a deposit of a stranger`)
    }
  }
  const total = 1_000_000n * BigInt(branches.size)
  const whole = [...branches.values()].reduce((sum, { balance }) => sum + balance, 0n)
  if (whole !== total) throw new Error(`the total is ${whole}, not ${total}`)
  for (let cut = 0; cut < CUTS; cut++) checkCut(branches, random, total)
}

const CUTS = 200

function checkCut(branches: ReadonlyMap<string, ReplayedBranch>, random: () => number, total: bigint): void {
  const ends = new Map([...branches].map(([id, { slots }]) => [id, 1 + Math.floor(random() * slots)]))
  // Pulled back until nothing has arrived that was not sent.
  for (let moved = true; moved; ) {
    moved = false
    for (const { id, taken } of branches.values()) {
      for (const [from, list] of taken) {
        const unsent = countBefore(branches.get(from)?.sent.get(id) ?? [], ends.get(from) ?? 0)
        const end = list[unsent]?.slot ?? Number.POSITIVE_INFINITY
        if (end >= (ends.get(id) ?? 0)) continue
        ends.set(id, end)
        moved = true
      }
    }
  }
  let sum = 0n
  for (const { id, sent, taken } of branches.values()) {
    const end = ends.get(id) ?? 0
    sum += 1_000_000n
    for (const [to, list] of sent) {
      const left = countBefore(list, end)
      const arrived = countBefore(branches.get(to)?.taken.get(id) ?? [], ends.get(to) ?? 0)
      for (const [nth, { quantity }] of list.slice(0, left).entries()) {
        sum -= quantity
        // It is on its way unless it has arrived within the cut.
        if (nth >= arrived) sum += quantity
      }
    }
    for (const list of taken.values()) for (const { quantity } of list.slice(0, countBefore(list, end))) sum += quantity
  }
  if (sum !== total) throw new Error(`the total at a cut is ${sum}, not ${total}`)
}

/** How many of them, which are in the order of their slots, stand before a slot. */
function countBefore(list: readonly Deposit[], end: number): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((list[middle]?.slot ?? 0) < end) low = middle + 1
    else high = middle
  }
  return low
}
