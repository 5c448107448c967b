import type { ProcessSource, SourcedCertificate } from '../node/index.ts'
import {
  asModuleId,
  asProcessId,
  type CallOptions,
  decodeFeedPage,
  Failure,
  type ProcessId,
} from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'

/** Blocks asked for at once; a page is bounded by its bytes too. */
const PAGE_BLOCKS = 500

/** What a node serves of a process, to be checked here. Reads up to the present ends of its feeds. */
export function sourceFromNode(client: Client, process: ProcessId, limits: CallOptions): ProcessSource {
  return {
    process,
    spawnEnvelope: id => orNothing(client.processes.spawnEnvelope(asProcessId(id), limits), 'unknown-process'),
    async epochItems(id) {
      const { epochs } = await client.transport.request('listEpochs', { process: id }, limits)
      return Promise.all(
        epochs.slice(1).map(({ epoch }) => client.transport.request('epochItem', { process: id, epoch }, limits)),
      )
    },
    moduleItem: id => orNothing(client.modules.item(asModuleId(id), limits), 'unknown-module'),
    head: () => orNothing(client.transport.request('feedHead', { process }, limits), 'unknown-slot'),
    async *frames() {
      for (let from = 0; ; ) {
        const { blocks, length } = decodeFeedPage(
          await client.transport.request('frames', { process, from_block: from, limit: PAGE_BLOCKS }, limits),
        )
        yield* blocks
        from += blocks.length
        if (blocks.length === 0 || from >= length) return
      }
    },
    async *certificates(): AsyncIterable<SourcedCertificate> {
      for (let from = 0; ; ) {
        const page = await client.transport.request(
          'certificates',
          { process, from_block: from, limit: PAGE_BLOCKS },
          limits,
        )
        for (const { certificate, signatures } of page.certificates) yield { bytes: certificate, signatures }
        from += page.certificates.length
        if (page.certificates.length === 0 || from >= page.length) return
      }
    },
  }
}

async function orNothing<T>(
  answer: Promise<T>,
  code: 'unknown-process' | 'unknown-module' | 'unknown-slot',
): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (Failure.is(error, code)) return undefined
    throw error
  }
}
