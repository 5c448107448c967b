import { hashOfMap, icMap, toUtf8 } from '../../../protocol/index.ts'
import { CONTROLLERS_MAX, ENVIRONMENT_MAX, ENVIRONMENT_TEXT_MAX_BYTES } from '../bounds.ts'
import { Rejected } from '../canister-trap.ts'
import type { Settings, Visibility } from '../canister-settings.ts'
import { type Fields, principalsOf, recordOf } from './fields.ts'

const VIEWERS_MAX = 10
const BYTES_MAX = 2n ** 48n
const SECONDS_MAX = 2n ** 64n - 1n
const CYCLES_MAX = 2n ** 128n - 1n
const LOG_LIMIT_MIN = 4096n
const LOG_LIMIT_MAX = 2n ** 21n

/** `present` with what a `canister_settings` says otherwise. @throws {Rejected} */
export function readSettings(fields: Fields | undefined, present: Settings): Settings {
  if (fields === undefined) return present
  const controllers = fields.listIf('controllers')
  if (controllers !== undefined && controllers.length > CONTROLLERS_MAX) {
    throw new Rejected('IC0408', `a canister has at most ${CONTROLLERS_MAX} controllers`)
  }
  return {
    controllers: controllers === undefined ? present.controllers : distinct(principalsOf(controllers, 'controllers')),
    computeAllocation: fields.boundedIf('compute_allocation', 100n) ?? present.computeAllocation,
    memoryAllocation: fields.boundedIf('memory_allocation', BYTES_MAX) ?? present.memoryAllocation,
    freezingThreshold: fields.boundedIf('freezing_threshold', SECONDS_MAX) ?? present.freezingThreshold,
    reservedCyclesLimit: fields.boundedIf('reserved_cycles_limit', CYCLES_MAX) ?? present.reservedCyclesLimit,
    minimumCallCycles:
      fields.boundedIf('minimum_incoming_canister_call_cycles', CYCLES_MAX) ?? present.minimumCallCycles,
    wasmMemoryLimit: fields.boundedIf('wasm_memory_limit', BYTES_MAX) ?? present.wasmMemoryLimit,
    wasmMemoryThreshold: fields.boundedIf('wasm_memory_threshold', BYTES_MAX) ?? present.wasmMemoryThreshold,
    logVisibility: readVisibility(fields, 'log_visibility') ?? present.logVisibility,
    logMemoryLimit: readLogLimit(fields) ?? present.logMemoryLimit,
    snapshotVisibility: readVisibility(fields, 'snapshot_visibility') ?? present.snapshotVisibility,
    statusVisibility: readVisibility(fields, 'status_visibility') ?? present.statusVisibility,
    environment: readEnvironment(fields) ?? present.environment,
  }
}

function readLogLimit(fields: Fields): bigint | undefined {
  const limit = fields.boundedIf('log_memory_limit', LOG_LIMIT_MAX)
  if (limit === undefined || limit === 0n || limit >= LOG_LIMIT_MIN) return limit
  throw new Rejected(
    'IC0504',
    `log_memory_limit expected to be 0 or in the range of [${LOG_LIMIT_MIN}..${LOG_LIMIT_MAX}]`,
  )
}

function distinct(principals: readonly Uint8Array[]): Uint8Array[] {
  const seen = new Map(principals.map(one => [one.join(), one]))
  return [...seen.values()]
}

function readVisibility(fields: Fields, field: string): Visibility | undefined {
  const found = fields.variantIf(field, ['controllers', 'public', 'allowed_viewers'])
  if (found === undefined) return undefined
  if (found.name !== 'allowed_viewers') return found.name
  const list = Array.isArray(found.value) ? principalsOf(found.value, 'allowed_viewers') : []
  if (list.length > VIEWERS_MAX) throw new Rejected('IC0408', `${field}: at most ${VIEWERS_MAX} viewers`)
  return list
}

function readEnvironment(fields: Fields): Settings['environment'] | undefined {
  const list = fields.listIf('environment_variables')
  if (list === undefined) return undefined
  if (list.length > ENVIRONMENT_MAX)
    throw new Rejected('IC0408', `a canister has at most ${ENVIRONMENT_MAX} environment variables`)
  const pairs = list.map(value => {
    const one = recordOf(value, 'environment_variables')
    return [one.text('name'), one.text('value')] as const
  })
  const isLong = pairs.some(pair => pair.some(text => toUtf8(text).length > ENVIRONMENT_TEXT_MAX_BYTES))
  if (isLong) throw new Rejected('IC0408', `an environment variable has at most ${ENVIRONMENT_TEXT_MAX_BYTES} bytes`)
  if (new Set(pairs.map(([name]) => name)).size < pairs.length)
    throw new Rejected('IC0408', 'an environment variable stands twice')
  return pairs
}

/** What the history of a canister says of the variables that it was made with. */
export const environmentHash = ({ environment }: Settings): Uint8Array =>
  hashOfMap(icMap(Object.fromEntries(environment)))
