// What every release of aoconnect must be able to do with a node; run by aoconnect-releases.mjs as
//   node --import aoconnect-preload.mjs aoconnect-compat.mjs <entry of the release> <settings as JSON>
// Prints one line a step and ends with 1 if a step failed.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

const [entry, settings] = process.argv.slice(2)
const { url, module, scheduler, authority, jwk } = JSON.parse(settings)
const ao = await import(entry)
const client = ao.connect({ MU_URL: `${url}/mu`, CU_URL: `${url}/cu`, GATEWAY_URL: url })
const signer = ao.createDataItemSigner(jwk)
const action = value => [{ name: 'Action', value }]
const authorityTag = [{ name: 'Authority', value: authority }]

const spawn = () => client.spawn({ module, scheduler, signer, tags: authorityTag, data: 'compat' })
const send = (process, data, tags = action('Eval')) => client.message({ process, data, tags, signer })

/** A result once it is there: releases give back whatever the unit says meanwhile. */
async function resultOf(process, message) {
  for (let tries = 0; tries < 100; tries++) {
    const result = await client.result({ process, message })
    if (result.Output !== undefined || result.Error !== undefined) return result
    await sleep(100)
  }
  throw new Error(`no result of ${message}`)
}

async function evaluate(process, lua) {
  const result = await resultOf(process, await send(process, lua))
  assert.equal(result.Error, undefined)
  return result.Output.data?.output ?? result.Output.data
}

/** What a step gives if the release has no such call. */
const ABSENT = Symbol('absent')

let process1
let failed = 0

async function step(name, run) {
  try {
    const done = await run()
    console.log(`${done === ABSENT ? 'absent' : 'ok'} ${name}`)
  } catch (error) {
    failed++
    console.log(`FAILED ${name}: ${error.stack}`)
  }
}

await step('spawn', async () => {
  process1 = await spawn()
  assert.match(process1, /^[\w-]{43}$/)
  assert.equal((await resultOf(process1, process1)).Error, undefined)
})
await step('message and result', async () => {
  assert.equal(await evaluate(process1, 'X = 41; return X + 1'), '42')
})
await step('an error undoes the whole message', async () => {
  const result = await resultOf(process1, await send(process1, 'X = 7; error("boom")'))
  assert.match(JSON.stringify(result.Error), /boom/)
  // aos prints a warning before the answer to the first message after an error.
  assert.match(await evaluate(process1, 'return X'), /41$/)
})
await step('dryrun changes nothing', async () => {
  await evaluate(
    process1,
    'Handlers.add("count", "Count", function (m) X = X + 1; m.reply({ Data = tostring(X) }) end)',
  )
  const [first, second] = [await dry(), await dry()]
  assert.deepEqual([first, second], ['42', '42'])
  async function dry() {
    const { Messages } = await client.dryrun({ process: process1, tags: action('Count'), data: '' })
    return Messages[0].Data
  }
})
await step('results in pages, both ways', async () => {
  const all = await client.results({ process: process1, limit: 100 })
  const first = await client.results({ process: process1, limit: 2 })
  const cursor = first.edges[1].cursor
  assert.equal(JSON.parse(atob(cursor)).ordinate, '1')
  const rest = await client.results({ process: process1, limit: 100, from: cursor })
  assert.deepEqual([...first.edges, ...rest.edges], all.edges)
  const newest = await client.results({ process: process1, limit: 1, sort: 'DESC' })
  assert.deepEqual(newest.edges[0].node, all.edges.at(-1).node)
})
await step('monitor and unmonitor', async () => {
  assert.match(await client.monitor({ process: process1, signer }), /^[\w-]{43}$/)
  if (client.unmonitor) assert.match(await client.unmonitor({ process: process1, signer }), /^[\w-]{43}$/)
})
await step('assign', async () => {
  if (!client.assign) return ABSENT
  const process2 = await spawn()
  await evaluate(process1, 'ao.addAssignable("any", function () return true end); return 1')
  await evaluate(
    process1,
    'Handlers.prepend("seen", function (m) return m.Tags.Action == "Look" and "continue" end, function (m) Seen = m.Data end)',
  )
  const message = await send(process2, 'look here', action('Look'))
  const assigned = await client.assign({ process: process1, message })
  await resultOf(process1, assigned)
  assert.equal(await evaluate(process1, 'return Seen'), 'look here')
})
await step('signMessage and sendSignedMessage', async () => {
  if (!client.signMessage) return ABSENT
  const signed = await client.signMessage({
    process: process1,
    data: 'return 5',
    tags: action('Eval'),
    signer,
  })
  const message = await client.sendSignedMessage(signed)
  const { Output } = await resultOf(process1, message)
  assert.equal(Output.data?.output ?? Output.data, '5')
})
await step('getMessages, getMessageById, getLastSlot', async () => {
  if (!client.getMessages) return ABSENT
  const page = await client.getMessages({
    processId: process1,
    from: '0',
    to: String(Date.now() + 1000),
    limit: '100',
  })
  const last = page.edges.at(-1).node
  assert.equal(page.edges[0].node.message.id, process1)
  if (client.getLastSlot) {
    const nonce = last.assignment.tags.find(({ name }) => name === 'Nonce').value
    assert.equal(await client.getLastSlot({ processId: process1 }), nonce)
  }
  if (client.getMessageById) {
    const one = await client.getMessageById({ processId: process1, messageId: last.message.id })
    assert.deepEqual(one, last)
  }
})
await step('message with returnAssignmentSlot', async () => {
  const sent = await client.message({
    process: process1,
    data: 'return 1',
    tags: action('Eval'),
    signer,
    returnAssignmentSlot: true,
  })
  // Releases without it give the message id as ever.
  if (typeof sent === 'string' && sent.length === 43) return ABSENT
  const last = await client.getLastSlot({ processId: process1 })
  assert.equal(String(sent.slot ?? sent.assignmentSlot ?? sent), last)
})
await step('refused: another module, another process', async () => {
  await assert.rejects(client.spawn({ module: scheduler, scheduler, signer, tags: authorityTag }))
  await assert.rejects(send(scheduler, 'return 1'))
})
// Some releases keep a timer that never ends.
process.exit(failed === 0 ? 0 : 1)
