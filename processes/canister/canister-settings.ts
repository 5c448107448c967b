import { type CborReader, type CborWriter, MalformedBytes } from '../../protocol/index.ts'

/** Controllers alone, everybody, or those named and controllers. */
export type Visibility = 'controllers' | 'public' | readonly Uint8Array[]

/** Settings of a canister; what a canister here is not charged for is kept and told all the same. */
export interface Settings {
  readonly controllers: readonly Uint8Array[]
  readonly computeAllocation: bigint
  readonly memoryAllocation: bigint
  /** Seconds; nothing, if nobody set it: then the canister never freezes. */
  readonly freezingThreshold: bigint | undefined
  readonly reservedCyclesLimit: bigint
  /** That a call of another process must bring. */
  readonly minimumCallCycles: bigint
  readonly wasmMemoryLimit: bigint
  readonly wasmMemoryThreshold: bigint
  /** Who may read the log. */
  readonly logVisibility: Visibility
  /** Bytes that the log may have. */
  readonly logMemoryLimit: bigint
  /** The same, of snapshots. */
  readonly snapshotVisibility: Visibility
  /** The same, of the status. */
  readonly statusVisibility: Visibility
  readonly environment: readonly (readonly [name: string, value: string])[]
}

/** Settings that older states do not have: they are written where one differs from this. */
const LATER_SETTINGS = {
  minimumCallCycles: 0n,
  logMemoryLimit: 4096n,
  statusVisibility: 'controllers',
} satisfies Partial<Settings>

export const SETTINGS_AT_FIRST: Settings = {
  controllers: [],
  computeAllocation: 0n,
  memoryAllocation: 0n,
  freezingThreshold: undefined,
  reservedCyclesLimit: 5_000_000_000_000n,
  ...LATER_SETTINGS,
  wasmMemoryLimit: 0n,
  wasmMemoryThreshold: 0n,
  logVisibility: 'controllers',
  snapshotVisibility: 'controllers',
  environment: [],
}

/** 128 bits as two integers. */
const LOW = (1n << 64n) - 1n

export function writeSettings(writer: CborWriter, settings: Settings): void {
  const { minimumCallCycles, logMemoryLimit, statusVisibility } = settings
  const hasLater =
    minimumCallCycles !== LATER_SETTINGS.minimumCallCycles ||
    logMemoryLimit !== LATER_SETTINGS.logMemoryLimit ||
    statusVisibility !== LATER_SETTINGS.statusVisibility
  writer.array(hasLater ? 14 : 10)
  writePrincipals(writer, settings.controllers)
  writer.uint(settings.computeAllocation)
  writer.uint(settings.memoryAllocation)
  if (settings.freezingThreshold === undefined) writer.null()
  else writer.uint(settings.freezingThreshold)
  writer.uint(settings.reservedCyclesLimit >> 64n)
  writer.uint(settings.reservedCyclesLimit & LOW)
  writer.uint(settings.wasmMemoryLimit)
  writer.uint(settings.wasmMemoryThreshold)
  writeVisibility(writer, settings.logVisibility)
  writeVisibility(writer, settings.snapshotVisibility)
  const { environment } = settings
  writer.array(environment.length * 2)
  for (const [name, value] of environment) {
    writer.text(name)
    writer.text(value)
  }
  if (!hasLater) return
  writer.uint(minimumCallCycles >> 64n)
  writer.uint(minimumCallCycles & LOW)
  writer.uint(logMemoryLimit)
  writeVisibility(writer, statusVisibility)
}

function writeVisibility(writer: CborWriter, visibility: Visibility): void {
  if (typeof visibility === 'string') writer.text(visibility)
  else writePrincipals(writer, visibility)
}

function readVisibility(reader: CborReader): Visibility {
  const isText = reader.peek() === 3
  if (!isText) return readPrincipals(reader)
  return reader.text() === 'public' ? 'public' : 'controllers'
}

export function readSettings(reader: CborReader): Settings {
  const fields = reader.array()
  if (fields !== 10 && fields !== 14) throw new MalformedBytes('canister settings: another form', reader.offset)
  const big = (): bigint => BigInt(reader.uint())
  const controllers = readPrincipals(reader)
  const [computeAllocation, memoryAllocation] = [big(), big()]
  const freezingThreshold = reader.isNull() ? (reader.null() ?? undefined) : big()
  const reservedCyclesLimit = (big() << 64n) | big()
  const [wasmMemoryLimit, wasmMemoryThreshold] = [big(), big()]
  const [logVisibility, snapshotVisibility] = [readVisibility(reader), readVisibility(reader)]
  const pairs = reader.array() / 2
  const environment = Array.from({ length: pairs }, () => [reader.text(), reader.text()] as const)
  const later =
    fields === 10
      ? LATER_SETTINGS
      : {
          minimumCallCycles: (big() << 64n) | big(),
          logMemoryLimit: big(),
          statusVisibility: readVisibility(reader),
        }
  return {
    controllers,
    computeAllocation,
    memoryAllocation,
    freezingThreshold,
    reservedCyclesLimit,
    wasmMemoryLimit,
    wasmMemoryThreshold,
    logVisibility,
    snapshotVisibility,
    environment,
    ...later,
  }
}

export function writePrincipals(writer: CborWriter, principals: readonly Uint8Array[]): void {
  writer.array(principals.length)
  for (const principal of principals) writer.bytes(principal)
}

export function readPrincipals(reader: CborReader): Uint8Array[] {
  return Array.from({ length: reader.array() }, () => reader.bytes())
}
