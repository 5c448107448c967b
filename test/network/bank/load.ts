import { setTimeout as sleep } from 'node:timers/promises'
import { type DataItem, encodeBundle, Failure, type ProcessId } from '../../../protocol/index.ts'
import { type Client, connect, ed25519Signer } from '../../../sdk/index.ts'

/** Clients at once. */
const CLIENTS = 48
/** Transfers that one client hands in together, when it is behind. */
const TOGETHER_MAX = 16
/** Whoever has no answer by then hands the same in elsewhere: a messenger may be cut off. */
const ANSWER_MAX_MS = 3_000
/** All are due by this part of the time: the rest is for what was refused last. */
const DUE_BY = 0.95
const [PAUSE_MS, AFTER_REFUSAL_MS] = [10, 250]
const SEED = new Uint8Array(32).fill(21)

export interface LoadParts {
  readonly branches: readonly ProcessId[]
  /** Where messengers answer now; those that are down are not among them. */
  readonly messengers: () => readonly string[]
  /** Transfers in all, evenly over that time. */
  readonly transfers: number
  readonly seconds: number
  readonly random: () => number
}

/** What clients were told. */
export interface Loaded {
  /** By the id of the message: where it stands. */
  readonly acknowledged: Map<string, { readonly process: ProcessId; readonly slot: number }>
  /** How often which refusal was given. */
  readonly refused: Map<string, number>
}

/**
 * Transfers from any branch to any other, by clients that know all messengers. Each takes what has become due since it was last
 * free: one signed item by itself, or several in a bundle. What was refused or not answered is handed in again, by whoever is
 * free: it may have its slot already, and must not get another.
 */
export async function load(parts: LoadParts): Promise<Loaded> {
  const { transfers, seconds, random, messengers, branches } = parts
  const [acknowledged, refused]: [Loaded['acknowledged'], Loaded['refused']] = [new Map(), new Map()]
  const startMs = Date.now()
  const untilMs = startMs + seconds * 1_000
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  let underWay = 0
  const due = (): number => {
    const soFar = Math.min(1, (Date.now() - startMs) / (DUE_BY * (untilMs - startMs)))
    return Math.min(TOGETHER_MAX, Math.floor(transfers * soFar) - acknowledged.size - underWay)
  }
  const again: DataItem[] = []
  const refuse = (code: string, items: readonly DataItem[]): void => {
    refused.set(code, (refused.get(code) ?? 0) + items.length)
    again.push(...items)
  }

  const handIn = async (client: Client, items: readonly DataItem[]): Promise<boolean> => {
    let isRefused = false
    const answers = await send(client, items)
    for (const [at, item] of items.entries()) {
      const answer = answers[at]
      if (answer !== undefined && 'slot' in answer) acknowledged.set(item.id, answer)
      else {
        refuse(answer !== undefined && 'problem' in answer ? answer.problem.code : 'none', [item])
        isRefused = true
      }
    }
    return !isRefused
  }
  const client = async (): Promise<void> => {
    while (Date.now() < untilMs) {
      const count = due()
      const urls = messengers()
      if (count <= 0 || urls.length === 0) {
        await sleep(PAUSE_MS)
        continue
      }
      underWay += count
      const one = connect({ url: any(urls), signer: ed25519Signer(SEED) })
      const items = again.splice(0, count)
      try {
        while (items.length < count) items.push(await transfer(one, branches, any, random))
        if (!(await handIn(one, items))) await sleep(AFTER_REFUSAL_MS)
      } catch (error) {
        refuse(Failure.from(error).code, items)
        await sleep(AFTER_REFUSAL_MS)
      } finally {
        underWay -= count
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, client))
  return { acknowledged, refused }
}

/** Hands in items; an answer for each. */
async function send({ transport }: Client, items: readonly DataItem[]) {
  const limits = { timeoutMs: ANSWER_MAX_MS }
  const [only] = items
  if (only !== undefined && items.length === 1) return [await transport.request('send', { bytes: only.bytes }, limits)]
  return transport.request('sendBundle', { bytes: encodeBundle(items) }, limits)
}

async function transfer(
  client: Client,
  branches: readonly ProcessId[],
  any: (list: readonly ProcessId[]) => ProcessId,
  random: () => number,
): Promise<DataItem> {
  const from = any(branches)
  const to = any(branches.filter(one => one !== from))
  const tags = [
    { name: 'To', value: to },
    { name: 'Quantity', value: String(1 + Math.floor(random() * 100)) },
  ]
  return client.prepare({ process: from, action: 'Transfer', tags })
}
