import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { ComputeUnit } from '../compute-unit/index.ts'
import { createAoFacade, createOperations, Gateway, Metrics, type NodeAdmin, type NodeInfo } from '../gateway/index.ts'
import { HypercoreLog } from '../log/index.ts'
import { MessengerUnit } from '../messenger-unit/index.ts'
import { RUNTIMES, runtimeFor } from '../processes/index.ts'
import {
  type Clock,
  closeAll,
  Failure,
  installCrypto,
  type KeyId,
  type Log,
  type Operations,
  type ProcessDescription,
  type ProcessId,
  signDataItemSync,
} from '../protocol/index.ts'
import { type CommittedFrame, SchedulerUnit } from '../scheduler-unit/index.ts'
import { hostProgram } from './host-program.ts'
import { openKeystore, privateFolder } from './keystore.ts'
import { createLogger, type NodeLogger } from './logger.ts'
import { nativeCrypto } from './native-crypto.ts'
import { systemClock } from './system-clock.ts'

export const VERSION = '0.1.0'

export interface NodeOptions {
  /** Folder of feeds, state and keys; made if it is not there. */
  readonly data: string
  /** Port of the HTTP face; 0 takes any, undefined opens none. */
  readonly port?: number | undefined
  readonly host?: string | undefined
  readonly allowedHosts?: readonly string[] | undefined
  readonly publicUrl?: string | undefined
  readonly hosts?: number | undefined
  readonly residentBytes?: number | undefined
  readonly signerRate?: number | undefined
  readonly logger?: NodeLogger | undefined
  readonly clock?: Clock | undefined
  /** Opens the log; the Hypercores below `data`, unless a test brings its own. */
  readonly openLog?: ((keys: { seed: Uint8Array }) => Promise<Log>) | undefined
  /** Long work, such as replaying a feed. */
  readonly progress?: ((process: ProcessId, evaluated: number, scheduled: number) => void) | undefined
  /** Somebody with the admin token asked the node to end. */
  readonly onShutdown?: (() => void) | undefined
}

/** Opens a node in this program: messenger, scheduler and compute unit over one log. */
export function createNode(options: NodeOptions): Promise<AtollNode> {
  return AtollNode.open(options)
}

/** A running set of units. DEV DOCS: `open` wires; frames flow scheduler → compute unit → messenger → scheduler. */
export class AtollNode implements AsyncDisposable {
  readonly key: KeyId
  readonly log: Log
  readonly scheduler: SchedulerUnit
  readonly computer: ComputeUnit
  readonly messenger: MessengerUnit
  /** What a client can ask for, without a gateway between. */
  readonly operations: Operations
  readonly gateway: Gateway | undefined
  readonly #opened: readonly AsyncDisposable[]
  #closed: Promise<void> | undefined

  private constructor(parts: Pick<AtollNode, 'key' | 'log' | 'scheduler' | 'computer' | 'messenger' | 'operations' | 'gateway'>, opened: readonly AsyncDisposable[]) {
    this.key = parts.key
    this.log = parts.log
    this.scheduler = parts.scheduler
    this.computer = parts.computer
    this.messenger = parts.messenger
    this.operations = parts.operations
    this.gateway = parts.gateway
    this.#opened = opened
  }

  /** Opens everything or nothing: a node in hand is a node that is ready. */
  static async open(options: NodeOptions): Promise<AtollNode> {
    installCrypto(nativeCrypto)
    const opened: AsyncDisposable[] = []
    try {
      return await openNode(options, opened, parts => new AtollNode(parts, opened))
    } catch (error) {
      await closeAll(opened)
      throw error
    }
  }

  /** Where clients on this machine reach it; empty without an HTTP face. */
  get url(): string {
    return this.gateway?.url ?? ''
  }

  /** Stops taking messages, writes what is on its way, closes newest first. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= closeAll(this.#opened)
    return this.#closed
  }
}

type NodeParts = Pick<AtollNode, 'key' | 'log' | 'scheduler' | 'computer' | 'messenger' | 'operations' | 'gateway'>

async function openNode(
  options: NodeOptions,
  opened: AsyncDisposable[],
  make: (parts: NodeParts) => AtollNode,
): Promise<AtollNode> {
  const keep = <T extends AsyncDisposable>(resource: T): T => {
    opened.push(resource)
    return resource
  }
  const logger = options.logger ?? createLogger('warn')
  const clock = options.clock ?? systemClock
  await privateFolder(options.data)
  const keys = await openKeystore(join(options.data, 'keys'))
  const log = keep(await openLog(options, keys.seed))
  const trouble = (what: string, failure: Failure): void => {
    if (failure.code !== 'shutting-down') logger.warn({ what, code: failure.code, ...failure.details }, failure.message)
  }
  // The three units know each other only through these arrows.
  const arrows: { computer?: ComputeUnit; messenger?: MessengerUnit; scheduler?: SchedulerUnit } = {}
  const committed = (frames: readonly CommittedFrame[]): void => {
    for (const { process, index, bytes, firstSlot } of frames) {
      arrows.messenger?.scheduled(process, firstSlot, bytes)
      arrows.computer?.accept(process, index, bytes)
    }
  }
  const { signerRate } = options
  const scheduler = keep(
    await SchedulerUnit.open({
      key: keys.key,
      log,
      clock,
      committed,
      assignable: process => isAssignable(log, process),
      signerRatePerSecond: signerRate,
      madeHere: proof => arrows.computer?.made(proof) === true,
    }),
  )
  arrows.scheduler = scheduler
  const computer = keep(
    await ComputeUnit.open({
      key: keys.key,
      seed: keys.seed,
      log,
      clock,
      hostProgram: hostProgram(),
      hosts: options.hosts,
      residentMaxBytes: options.residentBytes,
      evaluated: ({ process, certificate, outcome }) => arrows.messenger?.evaluated(process, certificate, outcome.results),
      timers: (process, timers) => scheduler.arm(process, timers),
      progress: (process, evaluated, scheduled) => options.progress?.(process, evaluated, scheduled),
      trouble: (process, failure) => trouble(`process ${process}`, failure),
    }),
  )
  arrows.computer = computer
  const checkModule = async (module: Parameters<ComputeUnit['check']>[0]): Promise<void> => {
    runtimeFor(module.format)
    await computer.check(module)
  }
  const random = (): number => Math.random()
  const messenger = keep(new MessengerUnit({ log, scheduler, computer, clock, random, checkModule, trouble }))
  arrows.messenger = messenger
  await messenger.resume()

  const startedMs = clock.now()
  const nodeInfo = (): NodeInfo => ({
    key: keys.key,
    version: VERSION,
    units: ['messenger', 'scheduler', 'compute'],
    formats: RUNTIMES.flatMap(({ formats }) => formats),
    startedMs,
  })
  const admin = createAdmin({ log, computer, options })
  const operations = createOperations({ messenger, scheduler, computer, log, clock, nodeInfo, admin })
  const gateway = options.port === undefined ? undefined : await openGateway(options.port)
  if (gateway !== undefined) keep(gateway)
  return make({ key: keys.key, log, scheduler, computer, messenger, operations, gateway })

  async function openGateway(port: number): Promise<Gateway> {
    const metrics = new Metrics()
    let url = ''
    const facade = createAoFacade({
      messenger,
      scheduler,
      computer,
      log,
      clock,
      monitor: {
        add: process => scheduler.monitor(process, true),
        remove: process => scheduler.monitor(process, false),
      },
      authority: keys.key,
      signItem: fields => signDataItemSync(fields, keys.seed),
      publicUrl: () => options.publicUrl ?? url,
    })
    const opened = await Gateway.open({
      host: options.host,
      port,
      allowedHosts: options.allowedHosts,
      adminToken: keys.adminToken,
      operations,
      clock,
      logger,
      metrics,
      version: VERSION,
      mounts: [facade],
    })
    url = opened.url
    return opened
  }
}

function openLog(options: NodeOptions, seed: Uint8Array): Promise<Log> {
  if (options.openLog !== undefined) return options.openLog({ seed })
  return HypercoreLog.open({ directory: options.data, keySeed: seed })
}

async function isAssignable(log: Log, process: ProcessDescription): Promise<boolean> {
  const module = await log.directory.module(process.module)
  return module !== undefined && runtimeFor(module.format).assignable
}

function createAdmin({ log, computer, options }: { log: Log; computer: ComputeUnit; options: NodeOptions }): NodeAdmin {
  return {
    async status() {
      const memory = process.memoryUsage()
      return {
        version: VERSION,
        data: options.data,
        cores: availableParallelism(),
        residentBytes: memory.rss,
        heapBytes: memory.heapUsed,
        hostPids: computer.hostPids.join(' '),
        recoveredBlocks: log.recovered.length,
      }
    },
    async checkpoint(process) {
      if (process !== undefined) {
        await computer.checkpoint(process)
        return 1
      }
      return computer.checkpointAll()
    },
    shutdown() {
      options.onShutdown?.()
    },
  }
}
