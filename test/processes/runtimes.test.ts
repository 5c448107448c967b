import { expect, it } from 'vitest'
import { AO_FORMATS, actorRuntime, aoRuntime, RUNTIMES, runtimeFor } from '../../processes/index.ts'

it('finds the runtime of every format, each once', () => {
  expect(runtimeFor('actor')).toBe(actorRuntime)
  for (const format of AO_FORMATS) expect(runtimeFor(format)).toBe(aoRuntime)
  const formats = RUNTIMES.flatMap(runtime => runtime.formats)
  expect(new Set(formats).size).toBe(formats.length)
})

it.each(['', 'Actor', 'constructor', 'evm'])('refuses the format "%s" and tells those it has', format => {
  expect(() => runtimeFor(format)).toThrow(
    expect.objectContaining({
      code: 'unsupported-format',
      details: expect.objectContaining({ known: expect.arrayContaining(['actor']) }),
    }),
  )
})
