import { Client, inProcessTransport, type Surroundings, type Transport } from '../sdk/index.ts'
import { Failure, type OperationInput, type OperationOutput, type Signer, type StreamName } from '../protocol/index.ts'
import type { NodeRun } from './simulation/node-run.ts'
import type { SeededRandom } from './simulation/seeded-random.ts'
import { VirtualClock } from './simulation/virtual-clock.ts'
import type { VirtualTime } from './simulation/virtual-time.ts'

export interface NetClientParts {
  readonly time: VirtualTime
  readonly random: SeededRandom
  readonly signer: Signer
  /** The node it talks to, as long as that is up. */
  node(): NodeRun | undefined
  /** Sees what it sent. */
  sent(answer: unknown): void
}

/** A client of one node. While it waits for an answer, time moves; while its node is down, that is unreachable. */
export function netClient(parts: NetClientParts): Client {
  return new Client({ transport: netTransport(parts), signer: parts.signer })
}

function netTransport({ time, random, node, sent }: NetClientParts): Transport {
  const clock = new VirtualClock(time)
  const around: Surroundings = {
    clock: {
      now: () => clock.now(),
      sleep: (ms, options) => time.during(clock.sleep(ms, { ...options, for: 'wait' })),
    },
    random: () => random.number(),
    randomBytes: length => random.bytes(length),
  }
  const transports = new WeakMap<NodeRun, Transport>()
  /** A node that crashes answers nobody. */
  const asked = async <T>(ask: (transport: Transport) => Promise<T>): Promise<T> => {
    const run = node()
    if (run === undefined) throw new Failure('unreachable', {}, { note: 'the node is down' })
    const transport = transports.get(run) ?? inProcessTransport(run.operations, around)
    transports.set(run, transport)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const off = run.onCrash(() => reject(new Failure('unreachable', {}, { note: 'the node crashed' })))
    ask(transport).then(resolve, reject).finally(off)
    return promise
  }
  return {
    around,
    async request(name, input, options) {
      const answer = await time.during(asked(transport => transport.request(name, input, options)))
      if (name === 'send') sent(answer)
      return answer
    },
    async *stream<N extends StreamName>(
      name: N,
      input: OperationInput<N>,
      options?: { readonly signal?: AbortSignal | undefined },
    ): AsyncIterable<OperationOutput<N>> {
      let values: AsyncIterator<OperationOutput<N>> | undefined
      try {
        for (;;) {
          const next = asked(transport => {
            values ??= transport.stream(name, input, options)[Symbol.asyncIterator]()
            return values.next()
          })
          const { done, value } = await time.during(next)
          if (done === true) return
          yield value
        }
      } finally {
        void values?.return?.().catch(() => undefined)
      }
    },
  }
}
