import type { InterfaceDescription, JsonSchema } from '../protocol/index.ts'
import { closedSchema } from './closed-schema.ts'

type Question = InterfaceDescription['queries'][string]

/**
 * The OpenAPI 3.1 description of one contract as a door that signs serves it: each message and query is a POST of its
 * input to its name, answered with its reply. `serverUrl` is where that door has the process. Inputs with fields that are
 * not named are refused there, so their schemas are closed.
 */
export function interfaceOpenApi(described: InterfaceDescription, options: { readonly serverUrl: string }): JsonSchema {
  const { name, version, messages, queries } = described
  const paths: Record<string, unknown> = {}
  for (const [action, one] of Object.entries(messages))
    paths[`/${action}`] = { post: operation(action, one, 'message') }
  for (const [action, one] of Object.entries(queries)) paths[`/${action}`] = { post: operation(action, one, 'query') }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: { title: name, version },
    servers: [{ url: options.serverUrl }],
    tags: [
      { name: 'message', description: 'Has a slot, may change the state.' },
      { name: 'query', description: 'Changes nothing and leaves no trace.' },
    ],
    paths,
    components: {
      schemas: { args: described.args, state: described.state, ...prefixed(described.events) },
      responses: {
        problem: { description: 'It failed.', content: { 'application/problem+json': { schema: { type: 'object' } } } },
      },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{ token: [] }],
  }
}

function operation(action: string, { input, reply, doc }: Question, kind: 'message' | 'query'): JsonSchema {
  return {
    operationId: action,
    tags: [kind],
    ...(doc === undefined ? {} : { summary: doc }),
    requestBody: { required: false, content: { 'application/json': { schema: closedSchema(input) } } },
    responses: {
      200: { description: 'The reply.', content: { 'application/json': { schema: reply } } },
      default: { $ref: '#/components/responses/problem' },
    },
  }
}

function prefixed(events: InterfaceDescription['events']): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(events).map(([name, schema]) => [`event.${name}`, schema]))
}
