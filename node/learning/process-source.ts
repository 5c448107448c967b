import {
  attests,
  Failure,
  type FeedHead,
  type KeyId,
  type Log,
  messagesFeed,
  type ModuleId,
  type ProcessId,
  resultsFeed,
  type ProcessDescription,
  unitOf,
} from '../../protocol/index.ts'

/** A certificate as somebody gives it: a block of a results feed, with signatures if they are at hand. */
export interface SourcedCertificate {
  readonly bytes: Uint8Array
  /** Signatures of compute units over it, by position in the process's policy. */
  readonly signatures?: readonly { readonly unit: number; readonly signature: Uint8Array }[] | undefined
}

/** All that is needed to evaluate a process again. Nothing that comes from here is believed. */
export interface ProcessSource {
  readonly process: ProcessId
  /** The encoded envelope of slot 0: of the process itself, and of processes that sent it something. */
  spawnEnvelope(id: ProcessId): Promise<Uint8Array | undefined>
  /** The signed items of its epoch records, and of those of processes that sent it something; none, if not given. */
  epochItems?(id: ProcessId): Promise<readonly Uint8Array[]>
  /** The signed item of a module. */
  moduleItem(id: ModuleId): Promise<Uint8Array | undefined>
  /** The newest head of the message feed; asked for before its blocks. */
  head(): Promise<FeedHead | undefined>
  /** Blocks of the message feed from the first on. */
  frames(): AsyncIterable<Uint8Array>
  /** Blocks of one results feed from the first on; it may be behind. */
  certificates(): AsyncIterable<SourcedCertificate>
}

/**
 * What a log holds of a process, with the results of `unit`; of its first compute unit, if none is named.
 * @throws {Failure} `unknown-process`
 */
export async function sourceFromLog(log: Log, process: ProcessId, unit?: KeyId): Promise<ProcessSource> {
  const description = await log.directory.process(process)
  const key = unit ?? description?.policy.computeUnits[0]
  if (description === undefined || key === undefined) throw new Failure('unknown-process', { process })
  return {
    process,
    spawnEnvelope: id => log.directory.spawnEnvelope(id),
    epochItems: async id => log.directory.epochItems(id),
    moduleItem: id => log.directory.moduleItem(id),
    head: () => log.head(messagesFeed(description)),
    frames: () => log.blocks(messagesFeed(description), 0),
    async *certificates() {
      for await (const bytes of log.blocks(resultsFeed(description, key), 0)) yield { bytes }
    },
  }
}

/** Which signature on a certificate does not hold, if one does not; units by their positions in the policies of the process. */
export function refuteSignatures(certificate: SourcedCertificate, process: ProcessDescription): string | undefined {
  for (const { unit, signature } of certificate.signatures ?? []) {
    const key = unitOf(process, unit)
    if (key === undefined) return `unit ${unit} is no compute unit of the process`
    if (!attests(key, certificate.bytes, signature)) return `the signature of unit ${unit} does not hold`
  }
  return undefined
}
