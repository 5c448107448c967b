import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { describe, expect, it, onTestFinished } from 'vitest'

const root = join(import.meta.dirname, '../..')
const ROOMS = ['protocol', 'sdk'] as const
/** Protocol's own third-party door. */
const PACKAGES = /^(zod|@noble\/(curves|hashes)\/[\w.-]+)$/

function sourcesOf(room: string): { path: string; text: string }[] {
  return readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts'))
    .map(path => ({ path: `${room}/${path}`, text: readFileSync(join(root, room, path), 'utf8') }))
}

describe.each(ROOMS)('%s', room => {
  it('imports nothing that a browser does not have', () => {
    const sources = sourcesOf(room)
    expect(sources.length).toBeGreaterThan(10)
    for (const { path, text } of sources) {
      for (const [, from = ''] of text.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)) {
        expect(from.startsWith('.') || PACKAGES.test(from), `${path} imports ${from}`).toBe(true)
      }
      expect(text, path).not.toMatch(/\b(Buffer|process\.(env|argv|cwd|hrtime)|require\(|__dirname|setImmediate)\b/)
    }
  })
})

describe('the SDK as one file', () => {
  it('is made for browsers without anything of Node, within its budget', async () => {
    const bundle = await rolldown({
      input: join(root, 'sdk/index.ts'),
      platform: 'browser',
      logLevel: 'silent',
    })
    const { output } = await bundle.generate({ format: 'esm', minify: true })
    await bundle.close()
    expect(output).toHaveLength(1)
    const [{ code, imports }] = output
    expect(imports).toEqual([])
    expect(/['"`]node:[a-z]/.test(code)).toBe(false)
    // 80 KiB for a client, 4 for what checks proofs in a page, 4 for what tells of peers: evidence, policies, failures;
    // 3 for what speaks Candid with canisters, 4 for epochs and handovers, 1 for fast ways to read items and pushes.
    expect(gzipSync(code).length).toBeLessThan(96 * 1024)
    const folder = mkdtempSync(join(tmpdir(), 'atoll-sdk-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'sdk.mjs')
    writeFileSync(file, code)
    const sdk = (await import(/* @vite-ignore */ file)) as typeof import('../../sdk/index.ts')
    // Proofs are checked in a page as anywhere.
    const { process, result } = JSON.parse(readFileSync(join(root, 'test/vectors/proofs.json'), 'utf8')) as {
      process: string
      result: { proof: string; slot: number }
    }
    const proof = Uint8Array.from(Buffer.from(result.proof, 'hex'))
    expect(sdk.verify(proof, { trusted: process }).slot).toBe(result.slot)
    expect(() => sdk.verify(proof.with(900, (proof[900] ?? 0) ^ 1))).toThrow('step: ')
    const client = sdk.connect({
      signer: sdk.ed25519Signer(sdk.generateEd25519Seed()),
      fetch: async () => Response.json({}),
    })
    expect((await client.prepare({ process: 'A'.repeat(43), data: 'x' })).id).toHaveLength(43)
    await expect(client.node()).rejects.toMatchObject({ code: 'unreachable' })
  })
})
