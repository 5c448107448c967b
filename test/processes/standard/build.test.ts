import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { buildStandardProcesses } from '../../../processes/standard/build.mjs'
import { STANDARD_PROCESSES } from '../../../processes/index.ts'

it('builds equal bytes every time, and nothing when nothing changed', {
  timeout: 180_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'standard-'))
  try {
    const [one, other] = [join(folder, 'one'), join(folder, 'other')]
    expect(await buildStandardProcesses(one)).toBe('built')
    expect(await buildStandardProcesses(one)).toBe('fresh')
    expect(await buildStandardProcesses(other)).toBe('built')
    for (const name of STANDARD_PROCESSES) {
      const bytes = await readFile(join(one, `${name}.wasm`))
      expect(bytes.equals(await readFile(join(other, `${name}.wasm`)))).toBe(true)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
