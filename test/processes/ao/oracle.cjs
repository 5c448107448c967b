// AO's own loader, in a process of its own because it replaces globals. Lines of JSON in and out.
// First line: { wasm, format }; then { message, env, restore }: evaluate, and put memory back if it fails.
const { readFileSync } = require('node:fs')
const { createInterface } = require('node:readline')
const write = process.stdout.write.bind(process.stdout)
const AoLoader = require('@permaweb/ao-loader')

// Engines of today want a bigint to grow a memory with 64-bit addresses; the loader gives a fraction.
const grow = WebAssembly.Memory.prototype.grow
WebAssembly.Memory.prototype.grow = function (pages) {
  try {
    return grow.call(this, pages)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return Number(grow.call(this, BigInt(Math.floor(pages))))
  }
}

async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  const { wasm, format } = JSON.parse((await lines.next()).value)
  const options = {
    format,
    UNSAFE_MEMORY: true,
    computeLimit: 9e15,
    extensions: [],
    mode: 'Assignments',
    blockHeight: 100,
  }
  let heap
  const handle = await AoLoader((info, receive) => {
    WebAssembly.instantiate(readFileSync(wasm), info).then(({ instance }) => {
      heap = () => new Uint8Array(instance.exports.memory.buffer)
      receive(instance)
    })
  }, options)
  for (;;) {
    const { value, done } = await lines.next()
    if (done) return
    const { message, env, restore } = JSON.parse(value)
    const before = restore ? heap().slice() : undefined
    let result
    try {
      result = await handle(null, message, env)
    } catch (error) {
      result = { Error: typeof error === 'string' ? error : JSON.stringify(error) }
    }
    if (result.Error && before) heap().set(before)
    const { Error: failure, Output, Messages, Spawns, Assignments } = result
    write(`${JSON.stringify({ Error: failure, Output, Messages, Spawns, Assignments })}\n`)
  }
}

main().then(
  () => process.exit(0),
  error => {
    write(`${JSON.stringify({ broken: String(error?.stack) })}\n`)
    process.exit(1)
  },
)
