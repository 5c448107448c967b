import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withNet } from 'atoll/testing'
import room from './room.process.ts'

test(
  'who joined is heard, who did not is refused',
  withNet({}, async net => {
    const hall = await net.spawn(room, { args: { topic: 'islands' } })
    await assert.rejects(hall.say({ text: 'hello?' }), /not-joined/)
    assert.deepEqual(await hall.join({ name: 'ann' }), { topic: 'islands', people: 1 })
    await hall.say({ text: 'hello' })
    assert.deepEqual(
      (await hall.history({ last: 5 })).map(({ name, text }) => [name, text]),
      [['ann', 'hello']],
    )
  }),
)
