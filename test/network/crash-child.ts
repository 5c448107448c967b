// Runs a node over a log on disk and writes a line for every receipt it gets, until it is killed.
import { writeSync } from 'node:fs'
import { createNode, standardModules } from '../../node/index.ts'
import { Failure, type Receipt } from '../../protocol/index.ts'
import { messageItem, moduleItem, spawnItem } from '../fakes/signed-items.ts'

const [data = ''] = process.argv.slice(2)
const node = await createNode({ data, hosts: 1 })

async function submit(item: { readonly bytes: Uint8Array }): Promise<Receipt> {
  const [taken] = await node.messenger.submit([item.bytes])
  if (taken === undefined || taken instanceof Failure || 'module' in taken) throw taken
  return taken
}

const modules = new Map<string, string>()
for (const { name, wasm, tags } of await standardModules()) {
  const [taken] = await node.messenger.submit([moduleItem(wasm, tags).bytes])
  if (taken !== undefined && 'module' in taken) modules.set(name, taken.module)
}
// Names that differ from run to run, so that no two runs sign the same item.
const run = String(Date.now())
const spawn = async (name: string): Promise<string> =>
  (await submit(spawnItem(modules.get(name) ?? '', node.key, { tags: { Run: run } }))).process
const [counter, a, b] = [await spawn('counter'), await spawn('relay'), await spawn('relay')]
writeSync(1, `ready ${counter} ${a} ${b}\n`)
await submit(messageItem(a, { tags: { Action: 'Start', Peer: b, Rounds: '500', Run: run } }))
for (;;) {
  const receipts = await Promise.all(
    [1, 2, 3].map(n => submit(messageItem(counter, { tags: { Action: 'Add', Run: `${run} ${n}` } }))),
  )
  writeSync(1, receipts.map(({ id, slot }) => `receipt ${id} ${slot}\n`).join(''))
}
