/**
 * Makes `lifecycle.json`: the feed of a process that is upgraded, rolled back, kept and restored, with the state root
 * and gas after each slot. Frozen: `node test/vectors/make/lifecycle.ts > test/vectors/lifecycle.json`
 */
import { toHex } from '../../../protocol/index.ts'
import { onlyResult } from '../../compute-unit/scripted-guest.ts'
import { PAPER_PROGRAMS, paper, Upgraded } from '../../compute-unit/upgraded.ts'

const process = new Upgraded(PAPER_PROGRAMS.map((program, at) => paper(at + 1, program)))
process.spawn()
process.send({ Action: 'Say' }, 'one')
process.send({ Action: 'Every' })
process.control({ action: 'Snapshot', name: 'early' })
process.upgrade(3)
process.upgrade(2)
process.send({ Action: 'Say' }, 'two')
process.upgrade(1, { pending: 'reject', keeps: false })
process.control({ action: 'Upgrade', module: process.description.module, pending: 'wait', keeps: true }, 8)
process.rollback(1)
process.control({ action: 'Restore', name: 'early', pending: 'wait' })
process.control({ action: 'Forget', name: 'early' })
process.control({ action: 'Cancel-Timer', timer: new TextEncoder().encode('schedule/every') })
process.send({ Action: 'Say' }, 'three')

const verdict = { status: 'ok', sender: { owner: '', module: process.description.module } } as const
const again = process.open()
const slots = process.frames.map(frame => {
  const outcome = again.evaluate(frame, [verdict], { steps: true })
  const { status, error } = onlyResult(outcome)
  const [step] = outcome.steps
  return {
    frame: toHex(frame),
    status,
    ...(error && { error: error.code }),
    gas: String(step?.gas),
    stateRoot: toHex(step?.stateRoot ?? new Uint8Array(0)),
  }
})
console.log(
  JSON.stringify(
    {
      about:
        'a feed with control messages; programs of format `paper` (test/compute-unit/paper-runtime.ts), whose ids are those of upgraded.ts',
      programs: PAPER_PROGRAMS,
      spawn: toHex(process.spawnEnvelope),
      slots,
    },
    null,
    1,
  ),
)
