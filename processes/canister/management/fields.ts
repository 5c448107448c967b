import { candidLabel, type CandidRecord, type CandidValue, decodeCandid, firstRecord } from '../../../protocol/index.ts'
import { Rejected } from '../canister-trap.ts'
import type { Slot } from '../slot.ts'

const ANY_NAT = 2n ** 256n
const CYCLES_MAX = 2n ** 128n - 1n

/** Looks up fields of an argument by name; what is wrong is a reject, and what is not asked for is not looked at. */
export class Fields {
  readonly #record: CandidRecord

  constructor(record: CandidRecord) {
    this.#record = record
  }

  /** A field; `opt` and null are seen through. */
  get(name: string): CandidValue | undefined {
    let value = this.#record.get(candidLabel(name))
    while (typeof value === 'object' && value !== null && 'opt' in value) value = value.opt
    return value ?? undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  principal(name: string): Uint8Array {
    return required(this.principalIf(name), name, 'principal')
  }

  principalIf(name: string): Uint8Array | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    return typeof value === 'object' && value !== null && 'principal' in value
      ? value.principal
      : wrong(name, 'principal')
  }

  blob(name: string): Uint8Array {
    return required(this.blobIf(name), name, 'blob')
  }

  blobIf(name: string): Uint8Array | undefined {
    const value = this.get(name)
    if (value === undefined || value instanceof Uint8Array) return value
    return Array.isArray(value) && value.length === 0 ? new Uint8Array(0) : wrong(name, 'blob')
  }

  natIf(name: string, max = 2n ** 64n - 1n): bigint | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    return typeof value === 'bigint' && value >= 0n && value <= max ? value : wrong(name, `nat up to ${max}`)
  }

  /** A setting, which may be written as any number, and has bounds of its own. */
  boundedIf(name: string, max: bigint): bigint | undefined {
    const value = this.natIf(name, ANY_NAT)
    if (value === undefined || value <= max) return value
    throw new Rejected('IC0504', `${name} expected to be in the range of [0..${max}], got ${value}`)
  }

  /** Cycles: what is more than any canister can have is as good as that. */
  cyclesIf(name: string): bigint | undefined {
    const value = this.natIf(name, ANY_NAT)
    return value === undefined || value <= CYCLES_MAX ? value : CYCLES_MAX
  }

  nat(name: string, max?: bigint): bigint {
    return required(this.natIf(name, max), name, 'nat')
  }

  text(name: string): string {
    return required(this.textIf(name), name, 'text')
  }

  textIf(name: string): string | undefined {
    const value = this.get(name)
    return value === undefined || typeof value === 'string' ? value : wrong(name, 'text')
  }

  flag(name: string): boolean {
    const value = this.get(name)
    return value === undefined || typeof value === 'boolean' ? value === true : wrong(name, 'bool')
  }

  recordIf(name: string): Fields | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : recordOf(value, name)
  }

  /** The name of a case among `names`, with its content. */
  variant<N extends string>(name: string, names: readonly N[]): { readonly name: N; readonly value: CandidValue } {
    return required(this.variantIf(name, names), name, 'variant')
  }

  variantIf<N extends string>(
    name: string,
    names: readonly N[],
  ): { readonly name: N; readonly value: CandidValue } | undefined {
    const value = this.get(name)
    return value === undefined ? undefined : variantOf(value, name, names)
  }

  list(name: string): readonly CandidValue[] {
    return required(this.listIf(name), name, 'vec')
  }

  listIf(name: string): readonly CandidValue[] | undefined {
    const value = this.get(name)
    if (value === undefined) return undefined
    if (value instanceof Uint8Array && value.length === 0) return []
    return Array.isArray(value) ? (value as readonly CandidValue[]) : wrong(name, 'vec')
  }
}

/** The fields of an argument, which the slot pays for, whatever they are. @throws {Rejected | MalformedBytes} */
export function fieldsOf(arg: Uint8Array, slot: Pick<Slot, 'spendOnValues'>): Fields {
  return new Fields(firstRecord(decodeCandid(arg, { counted: count => slot.spendOnValues(count) })))
}

export function recordOf(value: CandidValue, name: string): Fields {
  return typeof value === 'object' && value !== null && 'record' in value
    ? new Fields(value.record)
    : wrong(name, 'record')
}

export function variantOf<N extends string>(
  value: CandidValue,
  name: string,
  names: readonly N[],
): { readonly name: N; readonly value: CandidValue } {
  if (typeof value !== 'object' || value === null || !('variant' in value)) return wrong(name, 'variant')
  const [label, content] = value.variant
  const found = names.find(one => candidLabel(one) === label)
  return found === undefined ? wrong(name, names.join(' or ')) : { name: found, value: content }
}

/** An integer of so many bits. */
export function integerOf(value: CandidValue, name: string, bits: number, isSigned: boolean): bigint {
  if (typeof value !== 'bigint') return wrong(name, 'integer')
  return (isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value
    ? value
    : wrong(name, `integer of ${bits} bits`)
}

export function principalsOf(list: readonly CandidValue[], name: string): Uint8Array[] {
  return list.map(value => {
    if (typeof value !== 'object' || value === null || !('principal' in value)) return wrong(name, 'principals')
    return value.principal.slice()
  })
}

function required<T>(value: T | undefined, name: string, type: string): T {
  return value === undefined ? wrong(name, type) : value
}

function wrong(name: string, type: string): never {
  throw new Rejected('IC0408', `Error decoding candid: field ${name}: expected ${type}`)
}
