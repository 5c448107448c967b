import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { AtollNode, standardModules } from '../../../node/index.ts'
import { createDataItem, type DataItemFields, ed25519Signer } from '../../../protocol/index.ts'
import { tags } from '../../fakes/guest-context.ts'
import { findFault, type SeenAssignment } from './check-assignments.ts'
import { call, post } from './http-call.ts'

test('what AO’s wire shows of a feed is the same after a restart', {
  timeout: 180_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'atoll-ao-restart-'))
  const signer = ed25519Signer(new Uint8Array(32).fill(2))
  const read = async (url: string, process: string, last: string) => {
    // Once the last is evaluated, all are.
    await call(`${url}/cu/result/${last}?process-id=${process}`)
    const feed = await call(`${url}/su/${process}`)
    const results = await call(`${url}/cu/results/${process}?limit=100`)
    const boot = await call(`${url}/cu/result/${process}?process-id=${process}`)
    return { feed, results: results.json, boot: boot.json }
  }
  try {
    let [process, last] = ['', '']
    let before: Awaited<ReturnType<typeof read>>
    {
      await using node = await AtollNode.open({ data, port: 0 })
      const send = async (fields: DataItemFields) => {
        const item = await createDataItem(
          { ...fields, tags: [...tags('Data-Protocol', 'ao'), ...(fields.tags ?? [])] },
          signer,
        )
        const answer = await post(`${node.url}/mu`, item.bytes)
        expect([answer.status, answer.text]).toEqual([202, expect.stringContaining(item.id)])
        return item.id
      }
      const [standard] = await standardModules()
      if (standard === undefined) throw new Error('no standard module')
      const module = await send({
        data: standard.wasm,
        tags: [...tags('Type', 'Module'), ...standard.tags],
      })
      process = await send({
        data: '',
        tags: tags('Type', 'Process', 'Module', module, 'Scheduler', node.key),
      })
      for (let i = 0; i < 3; i++)
        last = await send({
          target: process,
          data: '{}',
          tags: tags('Type', 'Message', 'Count', String(i)),
        })
      before = await read(node.url, process, last)
    }
    await using node = await AtollNode.open({ data, port: 0 })
    const after = await read(node.url, process, last)
    expect(after.feed.json).toEqual(before.feed.json)
    expect(after.results).toEqual(before.results)
    expect(after.boot).toEqual(before.boot)
    const edges = after.feed.at('edges') as { node: { assignment: SeenAssignment } }[]
    expect(edges).toHaveLength(4)
    expect(
      findFault(
        process,
        edges.map(({ node: seen }) => seen.assignment),
      ),
    ).toBeUndefined()
  } finally {
    await rm(data, { recursive: true, force: true })
  }
})
