import { z } from 'zod'
import { ModuleId, ProcessId } from '../ids.ts'
import { malformedRequest } from './operation-request.ts'

const Text = z.string().refine(text => text.isWellFormed(), 'expected well-formed text, got a lone surrogate')
const Bytes = z.custom<Uint8Array>(value => value instanceof Uint8Array, 'expected bytes')
const common = {
  tags: z.array(z.object({ name: Text, value: Text })).optional(),
  data: z.union([z.string(), Bytes], 'expected text or bytes').optional(),
  anchor: Bytes.refine(({ length }) => length === 32, 'expected 32 bytes').optional(),
}

/** What a caller without types may get wrong is told before anything is signed. @throws {Failure} `malformed-request` */
const checker =
  (schema: z.ZodObject) =>
  (fields: unknown): void => {
    const { error } = schema.safeParse(fields)
    if (error !== undefined) throw malformedRequest(error)
  }

export const checkMessageFields = checker(z.object({ process: ProcessId, action: Text.optional(), ...common }))
export const checkSpawnFields = checker(z.object({ module: ModuleId, ...common }))
export const checkModuleFields = checker(z.object({ wasm: Bytes, format: Text, tags: common.tags }))
