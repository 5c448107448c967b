import { describe, expect, it } from 'vitest'
import { createRouter } from '../../gateway/router.ts'
import { parseTarget } from '../../gateway/target.ts'
import {
  asKeyId,
  asMessageId,
  asModuleId,
  asProcessId,
  checkInput,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  type OperationInput,
  OPERATION_NAMES,
  type OperationName,
  openApiDocument,
  rowOf,
  toUtf8,
} from '../../protocol/index.ts'

const id = `${'AbC-_123'.repeat(5)}xyA`
const process = asProcessId(id)
const message = asMessageId(id)

/** One call of every operation, with every field given. */
const CALLS: { readonly [N in OperationName]: OperationInput<N> } = {
  send: { bytes: toUtf8('x') },
  sendBundle: { bytes: toUtf8('x') },
  addModule: { bytes: toUtf8('x') },
  listModules: { after: asModuleId(id), limit: 3 },
  module: { module: asModuleId(id) },
  moduleItem: { module: asModuleId(id) },
  listProcesses: { after: process, limit: 1000 },
  process: { process },
  listEpochs: { process },
  epochItem: { process, epoch: 3 },
  prepareHandover: { process, bytes: toUtf8('x') },
  handOver: { process, bytes: toUtf8('x') },
  spawnEnvelope: { process },
  listSlots: { process, from: 2, limit: 3 },
  slot: { process, slot: 9_007_199_254_740_991 },
  frames: { process, from_block: 7, limit: 2 },
  feedHead: { process },
  certificates: { process, from_block: 7, limit: 2, unit: asKeyId(id) },
  listResults: { process, from: 1, to: 5, limit: 3, order: 'desc' },
  followResults: { process, from: 0 },
  result: { process, at: message, wait_ms: 60_000 },
  certifiedResult: { process, at: 12, wait_ms: 0 },
  listEvidence: { process, kind: 'fault' },
  evidence: { evidence: id },
  addEvidence: { bytes: toUtf8('x') },
  proof: { process, at: message, message: true, output: false, wait_ms: 5 },
  query: {
    process,
    from: 'me',
    owner: 'you',
    tags: [{ name: 'n', value: 'ä' }],
    data: toUtf8('d'),
    anchor: toUtf8('a'),
    at: 3,
    wait_ms: 5,
  },
  lifecycle: { process },
  state: { process, at: 7, wait_ms: 5 },
  timers: { process },
  checkUpgrade: { process, module: asModuleId(id), pending: 'reject', replay: 9, wait_ms: 5 },
  cell: { process, key: toUtf8('key/with\0everything') },
  message: { message },
  trace: { message, settled: true, process, wait_ms: 1 },
  followTrace: { message, process },
  node: {},
  failures: {},
  adminStatus: {},
  adminCheckpoint: { process },
  adminBackup: { folder: '/backup/of today' },
  listFeeds: {},
  seedFeed: { process },
  unseedFeed: { process },
  listPeers: {},
  addPeer: { address: '/ip4/10.0.0.7/tcp/7334' },
  pingPeer: { peer: id },
  blockPeer: { peer: id },
  unblockPeer: { peer: '12D3KooWJ' },
  adminShutdown: {},
}

const router = createRouter()
interface DescribedOperation {
  readonly operationId: string
  readonly parameters: readonly {
    readonly in: string
    readonly name: string
    readonly required: boolean
  }[]
  readonly requestBody?: object
  readonly security?: object
  readonly responses: object
}

const document = openApiDocument({ version: '1.2.3' }) as unknown as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>
  readonly components: Readonly<Record<string, Readonly<Record<string, { readonly properties?: object }>>>>
}

describe.each(OPERATION_NAMES)('operation %s', name => {
  const row = rowOf(name)

  it('is found by the router at the path its clients ask for, with the same input', () => {
    const request = encodeRequest(name, CALLS[name] as never)
    const target = parseTarget(request.query === '' ? request.path : `${request.path}?${request.query}`)
    const route = router(target.segments)
    expect(route?.operations[request.method]).toBe(name)
    const body = row.body?.kind === 'json' ? JSON.parse(request.body as string) : request.body
    expect(decodeRequest(name, { params: route?.params ?? {}, query: target.query, body })).toEqual(CALLS[name])
    expect(checkInput(name, CALLS[name] as never)).toEqual(CALLS[name])
  })

  it('stands in the API description with its parameters, body and answer', () => {
    const described = document.paths[row.path]?.[row.method.toLowerCase()]
    expect(described).toMatchObject({ operationId: name, summary: row.summary })
    if (described === undefined) return
    const parameters = described.parameters.map(parameter => `${parameter.in}:${parameter.name}:${parameter.required}`)
    const inPath = Object.keys(row.params.shape).map(param => `path:${param}:true`)
    const inQuery = Object.keys(row.query.shape).map(param => `query:${param}:false`)
    expect(parameters).toEqual([...inPath, ...inQuery])
    expect(described.requestBody === undefined).toBe(row.body === undefined)
    expect(described.security === undefined).toBe(row.access === 'public')
    expect(Object.keys(described.responses)).toEqual(['200', 'default'])
  })

  it('names in its path exactly its parameters, and takes a body only with POST', () => {
    const names = [...row.path.matchAll(/\{(\w+)\}/g)].map(match => match[1])
    expect(names.toSorted()).toEqual(Object.keys(row.params.shape).toSorted())
    expect(row.method === 'GET' && row.body !== undefined).toBe(false)
    expect(row.access === 'admin').toBe(row.path.startsWith('/v1/admin/'))
  })
})

describe('the table', () => {
  it('has nothing in the description that it does not have itself', () => {
    const described = Object.values(document.paths).flatMap(methods =>
      Object.values(methods).map(entry => entry.operationId),
    )
    expect(described.toSorted()).toEqual(OPERATION_NAMES.toSorted())
  })

  it('describes every schema that is referred to', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)]
    expect(references.length).toBeGreaterThan(50)
    for (const [, kind = '', name = ''] of references) expect(document.components[kind]?.[name], name).toBeDefined()
    expect(JSON.stringify(document)).not.toContain('$defs')
    expect(document.components['schemas']?.['TraceNode']?.properties).toMatchObject({
      id: { pattern: expect.any(String) },
    })
  })

  it('reads back what it writes: bigints, bytes and trees of any depth', () => {
    const node = (depth: number): unknown => ({
      id: message,
      process: id,
      slot: 1,
      status: 'ok',
      label: 'x',
      kind: 'message',
      gas: 2n ** 70n,
      error: undefined,
      children: depth === 0 ? [] : [node(depth - 1)],
    })
    const trace = { root: node(1024), settled: true, truncated: false }
    const read = decodeAnswer('trace', JSON.parse(encodeAnswer(trace)))
    let deepest = read.root
    let depth = 0
    for (; deepest.children[0] !== undefined; depth++) deepest = deepest.children[0]
    expect([depth, deepest.gas]).toEqual([1024, 2n ** 70n])
    const [one, two] = [node(0), node(2)]
    const wide = {
      root: { ...(node(0) as object), children: [one, two, one] },
      settled: true,
      truncated: false,
    }
    const { root } = decodeAnswer('trace', JSON.parse(encodeAnswer(wide)))
    expect(root.children.map(child => child.children.length)).toEqual([0, 1, 0])
    expect(() =>
      decodeAnswer('trace', {
        ...trace,
        root: { ...(node(0) as object), gas: '1', children: [{}] },
      }),
    ).toThrow('expected a tree')
  })

  it('refuses two rows for one route', () => {
    expect(() => createRouter(['send', 'send'])).toThrow('two operations for POST /v1/messages')
  })
})
