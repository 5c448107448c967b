// Runs the scenario and prints a hash of everything that compute units must agree on.
import { createHash } from 'node:crypto'
import { evalOf, loadModule, readModule } from './fixtures.ts'
import { makeScenario } from './scenario.ts'
import { Held, stateOf } from './state.ts'

const [name = '', format = ''] = process.argv.slice(2)
const hash = createHash('sha256')
const held = new Held(loadModule(readModule(name), format))
const messages = makeScenario()
  .slice(0, 60)
  .map(step => step.message)
messages.push(
  evalOf(
    60,
    'local x = 0/0; F = { x, -x, x * 2, 2^0.5, math.sin(1e22), string.pack("d", -(0/0)) } return F[6]:byte(8)',
  ),
)
messages.push(evalOf(61, 'while true do F = nil end'))
for (const message of messages) {
  const { ending, context } = held.step(message, 2_000_000_000n)
  hash.update(
    JSON.stringify({ ...ending, gas: String(ending.gas) }, (_, value: unknown) =>
      value instanceof Uint8Array ? [...value] : value,
    ),
  )
  hash.update(JSON.stringify([context.sent, context.spawned, context.assigned, context.lines]))
}
console.log(hash.update(stateOf(held.guest)).digest('hex'))
