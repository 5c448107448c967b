import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withNet } from 'atoll/testing'
import assistant from './assistant.process.ts'

const answers = [
  {
    text: '',
    toolCalls: [{ id: '1', name: 'take_note', arguments: { title: 'tide', text: 'high at noon' } }],
    model: 'fake',
    finishReason: 'tool_calls',
  },
  { text: 'High tide is at noon; I kept a note.', model: 'fake', finishReason: 'stop' },
]

test(
  'the agent uses its tools until the model answers',
  withNet({ effects: { 'llm.generate': async () => answers.shift() } }, async net => {
    const helper = await net.spawn(assistant)
    const { answer, steps } = await helper.ask({ question: 'When is high tide?' })
    assert.equal(answer, 'High tide is at noon; I kept a note.')
    assert.equal(steps, 2)
    assert.deepEqual(await helper.notes(), [{ title: 'tide', text: 'high at noon' }])
  }),
)
