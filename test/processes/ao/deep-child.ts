// Runs one message of a module given in base64, on the native stack that hosts have; prints the error code.
import { loadModule, messageOf, WASM32 } from './fixtures.ts'
import { Held } from './state.ts'

const held = new Held(loadModule(Buffer.from(process.argv[2] ?? '', 'base64'), WASM32))
const { ending } = held.step(messageOf(1, ''))
console.log(ending.status === 'error' ? ending.error.code : ending.status)
