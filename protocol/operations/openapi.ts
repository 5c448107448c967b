import { z } from 'zod'
import type { OperationRow } from './operation.ts'
import { OPERATION_NAMES, rowOf } from './operations.ts'
import { SCHEMAS_BY_NAME_ONLY } from './trace-view.ts'
import { ProblemView } from './views.ts'
import { type SchemaNote, schemaNotes } from '../codec/wire.ts'

/** What the description says of the node that serves it. */
export interface ApiInfo {
  readonly version: string
  readonly serverUrl?: string | undefined
}

type Json = Readonly<Record<string, unknown>>

/** The OpenAPI 3.1 description of all operations; a pure function of the table. */
export function openApiDocument(info: ApiInfo): Json {
  const schemas: Record<string, unknown> = {}
  const paths: Record<string, Record<string, unknown>> = {}
  for (const name of OPERATION_NAMES) {
    const row = rowOf(name)
    const methods = (paths[row.path] ??= {})
    methods[row.method.toLowerCase()] = describe(name, row, schemas)
  }
  for (const schema of SCHEMAS_BY_NAME_ONLY) describeSchema(schema, 'input', schemas)
  const problem = describeSchema(ProblemView, 'input', schemas)
  return {
    openapi: '3.1.0',
    info: {
      title: 'Atoll',
      version: info.version,
      description: 'JSON carries big integers as decimal text and bytes as unpadded base64url.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    ...(info.serverUrl === undefined ? {} : { servers: [{ url: info.serverUrl }] }),
    paths,
    components: {
      schemas,
      responses: {
        problem: {
          description: 'It failed.',
          content: { 'application/problem+json': { schema: problem } },
        },
      },
      securitySchemes: { admin: { type: 'http', scheme: 'bearer' } },
    },
  }
}

function describe(name: string, row: OperationRow, schemas: Record<string, unknown>): Json {
  return {
    operationId: name,
    summary: row.summary,
    ...(row.access === 'admin' ? { security: [{ admin: [] }] } : {}),
    parameters: [...parametersOf(row.params, 'path', schemas), ...parametersOf(row.query, 'query', schemas)],
    ...(row.body === undefined ? {} : { requestBody: describeBody(row.body, schemas) }),
    responses: {
      200: describeAnswer(row, schemas),
      default: { $ref: '#/components/responses/problem' },
    },
  }
}

function parametersOf(schema: z.ZodObject, place: 'path' | 'query', schemas: Record<string, unknown>): Json[] {
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: place,
    required: !z.safeParse(z.object({ field }), {}).success,
    schema: describeSchema(field, 'input', schemas),
  }))
}

function describeBody(body: NonNullable<OperationRow['body']>, schemas: Record<string, unknown>): Json {
  if (body.kind === 'json') {
    return {
      required: true,
      content: { 'application/json': { schema: describeSchema(body.schema, 'input', schemas) } },
    }
  }
  return {
    required: true,
    description: body.what,
    content: { [body.mediaType]: { schema: { type: 'string', format: 'binary' } } },
  }
}

function describeAnswer({ answer }: OperationRow, schemas: Record<string, unknown>): Json {
  if (answer.kind === 'bytes') {
    return {
      description: answer.what,
      content: { [answer.mediaType]: { schema: { type: 'string', format: 'binary' } } },
    }
  }
  const schema = describeSchema(answer.schema, 'input', schemas)
  if (answer.kind === 'json') return { description: 'Done.', content: { 'application/json': { schema } } }
  const resume =
    answer.cursor === undefined ? '' : ` The id of an event is its ${answer.cursor}; Last-Event-ID resumes after it.`
  return {
    description: `Events whose data is JSON.${resume}`,
    content: { 'text/event-stream': { schema } },
  }
}

/** The JSON schema of the text form; named schemas move to `schemas`. */
function describeSchema(schema: z.core.$ZodType, io: 'input', schemas: Record<string, unknown>): Json {
  const {
    $defs,
    $schema: _,
    ...root
  } = z.toJSONSchema(schema, {
    io,
    metadata: schemaNotes,
    override({ zodSchema, jsonSchema }) {
      const note: SchemaNote | undefined = schemaNotes.get(zodSchema)
      if (note?.shown === undefined) return
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
      Object.assign(jsonSchema, note.shown)
    },
  }) as Json
  for (const [id, definition] of Object.entries(($defs ?? {}) as Json)) schemas[id] ??= withReferences(definition)
  return withReferences(root) as Json
}

/** Points references at the shared components, and drops the names that only zod reads. */
function withReferences(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(withReferences)
  if (typeof node !== 'object' || node === null) return node
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(node)) {
    if (key === 'id' && typeof value === 'string') continue
    const isReference = key === '$ref' && typeof value === 'string'
    result[key] = isReference ? value.replace('#/$defs/', '#/components/schemas/') : withReferences(value)
  }
  return result
}
