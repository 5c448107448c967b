/**
 * What a release of unmodified aoconnect must be able to do with a node. Which calls and modes it has, the release says itself.
 *
 *     node --import ./aoconnect-preload.mjs aoconnect.mjs <url> <entry of the release> <module of aos>
 *
 * GRAPHQL_URL is read when the release is loaded.
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './scenario.mjs'

const [url, entry, module] = process.argv.slice(2)
const ao = await import(entry)
const client = ao.connect({ MU_URL: `${url}/mu`, CU_URL: `${url}/cu`, GATEWAY_URL: url })
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096, publicExponent: 65_537 })
const jwk = privateKey.export({ format: 'jwk' })
const signer = ao.createDataItemSigner(jwk)
const { scheduler } = await (await fetch(`${url}/v1/node`)).json()

/** Tags from names and values in turn; names may repeat. */
const tags = (...pairs) => pairs.flatMap((name, i) => (i % 2 === 0 ? [{ name, value: pairs[i + 1] }] : []))
const EVAL = tags('Action', 'Eval')

const spawn = (more = [], data = 'boot') =>
  client.spawn({ module, scheduler, signer, tags: [...tags('Authority', scheduler), ...more], data })
const send = (process, data, itsTags = EVAL) => client.message({ process, data, tags: itsTags, signer })

/** A result once it is there: releases give back whatever the unit says meanwhile. */
async function resultOf(process, message) {
  for (let tries = 0; tries < 200; tries++) {
    const result = await client.result({ process, message })
    if (result.Output !== undefined || result.Error !== undefined) return result
    await sleep(50)
  }
  throw new Error(`no result of ${message}`)
}

async function lua(process, code) {
  const result = await resultOf(process, await send(process, code))
  assert.equal(result.Error, undefined)
  const text = String(result.Output.data?.output ?? result.Output.data)
  // aos prints a warning before the answer to the first message after an error.
  return text.split('\n\n').at(-1)
}

/** Sends a message that the process keeps in `Got`, and evaluates Lua over it. */
async function kept(data, itsTags, code) {
  await resultOf(target, await send(target, data, [...tags('Keep', 'yes'), ...itsTags]))
  return lua(target, code)
}

const ordinateOf = cursor => Number(JSON.parse(atob(cursor)).ordinate)
const ordinates = ({ edges }) => edges.map(({ cursor }) => ordinateOf(cursor))

/** All results in pages of `limit`, from one end to the other. */
async function pages(limit, sort) {
  const found = []
  // The range is told by slots, whatever the order: who goes backwards says what to come to.
  const [start, bound] = sort === 'DESC' ? [1, 'to'] : [0, 'from']
  for (let cursor; ; ) {
    const more = cursor === undefined ? {} : { [bound]: cursor }
    const page = await client.results({ process: target, limit, sort, ...more })
    found.push(...ordinates(page).slice(cursor === undefined ? 0 : start))
    if (page.edges.length < limit) return found
    cursor = page.edges.at(-1).cursor
  }
}

let target

const steps = {
  'spawns, and its boot has a result': async () => {
    target = await spawn()
    assert.match(target, /^[\w-]{43}$/)
    assert.equal((await resultOf(target, target)).Error, undefined)
  },
  'evaluates messages': async () => {
    assert.equal(await lua(target, 'X = 41; return X + 1'), '42')
  },
  'is told of an error, which undoes the whole message': async () => {
    const result = await resultOf(target, await send(target, 'X = 7; error("boom")'))
    assert.match(JSON.stringify(result.Error), /boom/)
    assert.equal(await lua(target, 'return X'), '41')
  },
  'dry-runs, and nothing stays': async () => {
    await lua(
      target,
      'Handlers.add("count", "Count", function (m) X = X + 1; m.reply({ Data = tostring(X) .. m.Say }) end)',
    )
    const dry = async () =>
      (await client.dryrun({ process: target, tags: tags('Action', 'Count', 'Say', ' 🌊', 'Ünï', ''), data: '' }))
        .Messages[0].Data
    assert.deepEqual([await dry(), await dry()], ['42 🌊', '42 🌊'])
  },
  'sends data and tags of every kind': async () => {
    await lua(
      target,
      'Handlers.prepend("keep", function (m) return m.Tags.Keep and "break" or false end, function (m) Got = m; m.reply({ Data = tostring(#m.Data) }) end)',
    )
    assert.equal(await kept('wäter 🌊 漢字', [], 'return Got.Data .. #Got.Data'), 'wäter 🌊 漢字18')
    // What stands for no data: a space, and before 0.0.69 a number by chance.
    assert.match(await kept('', [], 'return Got.Data'), /^( |\d*)$/)
    assert.equal(await kept('x'.repeat(1_900_000), [], 'return #Got.Data'), '1900000')
    assert.equal(
      await kept('x', tags('Ünï 🌊', '漢字', 'Empty', ''), 'return Got.Tags["Ünï 🌊"] .. "[" .. Got.Tags.Empty .. "]"'),
      '漢字[]',
    )
    const twice =
      'local n = 0; for _, t in ipairs(Got.TagArray) do if t.name == "Twice" then n = n + 1 end end; return n'
    assert.equal(await kept('x', tags('Twice', '1', 'Twice', '2'), twice), '2')
    const many = Array.from({ length: 100 }, (_, i) => [`N${i}`, `${i}`]).flat()
    assert.equal(await kept('x', tags(...many), 'return Got.Tags.N99'), '99')
  },
  'says what it would say itself, and names the module and the scheduler among its tags': async () => {
    const own = tags('Data-Protocol', 'ao', 'Variant', 'ao.TN.1', 'SDK', 'aoconnect', 'Content-Type', 'text/plain')
    assert.match(
      await spawn([...own, ...tags('Type', 'Process', 'Module', module, 'Scheduler', scheduler)]),
      /^[\w-]{43}$/,
    )
    assert.equal(await kept('x', [...own, ...tags('Type', 'Message')], 'return Got.Data'), 'x')
  },
  'is refused what no message can be': async () => {
    await assert.rejects(send(target, 'x'.repeat(10 * 1024 * 1024)), /413/)
    await assert.rejects(send(target, 'x', tags(...Array.from({ length: 130 }, (_, i) => [`N${i}`, 'x']).flat())))
    await assert.rejects(client.spawn({ module: scheduler, scheduler, signer, tags: [] }))
    await assert.rejects(send(scheduler, 'return 1'))
  },
  'reads results in pages of any size, both ways': async () => {
    const all = ordinates(await client.results({ process: target, limit: 1000 }))
    assert.ok(all.length > 10)
    for (const limit of [2, 3, 7]) {
      assert.deepEqual(await pages(limit, 'ASC'), all)
      assert.deepEqual(await pages(limit, 'DESC'), all.toReversed())
    }
  },
  'monitors crons, and stops': async () => {
    const process = await spawn(tags('Cron-Interval', '1-second', 'Cron-Tag-Action', 'Tick'))
    await lua(process, 'N = 0; Handlers.add("tick", "Tick", function (m) N = N + 1 end)')
    await client.monitor({ process, signer })
    while (Number(await lua(process, 'return N')) < 1) await sleep(100)
    if (client.unmonitor) await client.unmonitor({ process, signer })
    const { edges } = await client.results({ process, limit: 1000 })
    assert.ok(edges.some(({ cursor }) => JSON.parse(atob(cursor)).cron === '0-1-second'))
  },
}

const OF_SOME_RELEASES = {
  assign: {
    'assigns a message, without what is left out': async () => {
      await lua(target, 'ao.addAssignable("any", function () return true end); return 1')
      const from = await spawn()
      for (const exclude of [undefined, ['Data']]) {
        const message = await send(from, 'over here', tags('Action', 'Look', 'Keep', 'yes'))
        await resultOf(target, await client.assign({ process: target, message, exclude }))
        const seen = await lua(target, 'return Got.Action .. " " .. tostring(Got.Data == "over here")')
        assert.equal(seen, `Look ${exclude === undefined}`)
      }
      await assert.rejects(client.assign({ process: target, message: 'A'.repeat(43) }), /404/)
    },
  },
  signMessage: {
    'signs first and sends later': async () => {
      const signed = await client.signMessage({ process: target, data: 'return 5', tags: EVAL, signer })
      const message = await client.sendSignedMessage(signed)
      const { Output } = await resultOf(target, message)
      assert.equal(Output.data?.output ?? Output.data, '5')
    },
  },
  getMessages: {
    'reads the feed': async () => {
      const page = await client.getMessages({
        processId: target,
        from: '0',
        to: String(Date.now() + 1000),
        limit: '100',
      })
      const { message, assignment } = page.edges.at(-1).node
      assert.equal(page.edges[0].node.message.id, target)
      const nonce = assignment.tags.find(({ name }) => name === 'Nonce').value
      if (client.getLastSlot) assert.equal(await client.getLastSlot({ processId: target }), nonce)
      if (client.getMessageById) {
        const one = await client.getMessageById({ processId: target, messageId: message.id })
        assert.deepEqual(one, page.edges.at(-1).node)
      }
    },
    'is told the slot of a message': async () => {
      const sent = await client.message({
        process: target,
        data: 'return 1',
        tags: EVAL,
        signer,
        returnAssignmentSlot: true,
      })
      // Releases without it give the message id as ever.
      if (typeof sent === 'string' && sent.length === 43) return
      assert.equal(String(sent.slot ?? sent.assignmentSlot ?? sent), await client.getLastSlot({ processId: target }))
    },
  },
}

for (const [call, more] of Object.entries(OF_SOME_RELEASES)) if (client[call]) Object.assign(steps, more)

/** `mainnet` of releases that sign items (ANS-104), at once or when they are told that an HTTP signature is not taken. */
const beam = ao.createSigner && ao.connect({ MODE: 'mainnet', URL: url, signer: ao.createSigner(jwk) })
if (beam?.dryrun) {
  steps['does the same in mainnet mode'] = async () => {
    const process = await beam.spawn({ module, tags: tags('Authority', scheduler), data: 'boot' })
    const slot = await beam.message({
      process,
      tags: EVAL,
      data: 'Handlers.add("n", "N", function (m) m.reply({ Data = m.Said }) end); return 6 * 7',
    })
    assert.equal((await beam.result({ process, slot })).Output.data, '42')
    const { edges } = await beam.results({ process })
    assert.deepEqual([edges[0].cursor, edges[0].node.Output.data], ['1', '42'])
    const dry = await beam.dryrun({ process, tags: tags('Action', 'N', 'Said', 'a b=c/d') })
    assert.equal(dry.Messages[0].Data, 'a b=c/d')
  }
} else if (beam && !beam.message) {
  steps['does the same in mainnet mode, by requests'] = async () => {
    const ask = fields => beam.request({ method: 'POST', 'Data-Protocol': 'ao', ...fields })
    // Of both spellings a release heeds its own.
    const kind = { Type: 'Process', type: 'Process', Scheduler: scheduler, Module: module, Authority: scheduler }
    const { process } = await ask({ path: '/push', ...kind, data: 'boot' })
    const sent = await ask({
      path: `/${process}~process@1.0/push`,
      target: process,
      Action: 'Eval',
      data: 'return 6 * 7',
    })
    assert.equal(sent.slot, '1')
    const { body } = await ask({ path: `/${process}~process@1.0/compute/results=1`, target: process })
    assert.equal(JSON.parse(body).raw.Output.data, '42')
  }
} else if (beam || ao.connect({ MODE: 'legacy' }).MODE) {
  steps['is told in mainnet mode that it has to sign items'] = async () => {
    const old = ao.connect({
      MODE: 'mainnet',
      AO_URL: url,
      URL: url,
      GATEWAY_URL: url,
      wallet: jwk,
      signer: ao.createSigner?.(jwk),
      device: 'process@1.0',
    })
    await assert.rejects(old.spawn({ module, scheduler, signer: signer, tags: [] }), /422.*ANS-104/)
  }
}

await run(steps)
