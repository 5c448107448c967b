/**
 * Compiles the rooms to JavaScript in dist/, for an installed package: Node strips no types below node_modules.
 *
 *     npm run build
 *     node scripts/build.mjs <folder>
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { buildAgentRuntime } from '../processes/agent/build.mjs'
import { buildStandardProcesses } from '../processes/standard/build.mjs'
import { bundle } from './programs.mjs'

const ROOT = join(import.meta.dirname, '..')
const DIST = resolve(process.argv[2] ?? join(ROOT, 'dist'))

rmSync(DIST, { recursive: true, force: true })
const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', DIST], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

await buildStandardProcesses(join(DIST, 'processes', 'standard', 'build'))
await buildAgentRuntime(join(DIST, 'processes', 'agent', 'build'))
// Declarations that no compiler writes: those of packages without any.
for (const file of ['log/holepunch.d.ts', 'node/crypto/native-packages.d.ts'])
  cpSync(join(ROOT, file), join(DIST, file))

// What is started is a few files again; their packages stay apart, for whoever installs this chooses and audits them.
await bundle(join(DIST, 'programs'), { root: DIST, ending: 'js', packages: 'external' })
writeFileSync(join(DIST, 'cli', 'main.js'), "#!/usr/bin/env node\nimport '../programs/main.js'\n")
for (const program of ['host-main', 'clerk-main'])
  writeFileSync(join(DIST, 'node', 'programs', `${program}.js`), `import '../../programs/${program}.js'\n`)
chmodSync(join(DIST, 'cli', 'main.js'), 0o755)
