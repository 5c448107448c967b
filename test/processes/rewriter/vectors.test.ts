import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { REWRITER_VERSION, rewrite } from '../../../processes/rewriter/index.ts'
import vectors from '../../vectors/rewriter.json' with { type: 'json' }

describe('frozen output', () => {
  it('is of this version: other bytes need another REWRITER_VERSION and new vectors', () => {
    expect(REWRITER_VERSION).toBe(vectors.version)
  })

  for (const { name, input, sha256 } of vectors.modules) {
    it(name, () => {
      const profile = { ...vectors.profile, imports: () => true }
      const { bytes } = rewrite(Uint8Array.from(Buffer.from(input, 'hex')), profile)
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256)
    })
  }
})
