import { toUtf8 } from '../../../protocol/index.ts'
import { CONTROLLERS_MAX, ENVIRONMENT_MAX, ENVIRONMENT_TEXT_MAX_BYTES } from '../bounds.ts'
import { Rejected } from '../canister-trap.ts'
import type { Settings, Visibility } from '../state.ts'
import { type Fields, principalsOf, recordOf } from './fields.ts'

const VIEWERS_MAX = 10

/** `present` with what a `canister_settings` says otherwise. @throws {Rejected} */
export function readSettings(fields: Fields | undefined, present: Settings): Settings {
  if (fields === undefined) return present
  const controllers = fields.listIf('controllers')
  if (controllers !== undefined && controllers.length > CONTROLLERS_MAX) {
    throw new Rejected('IC0408', `a canister has at most ${CONTROLLERS_MAX} controllers`)
  }
  return {
    controllers: controllers === undefined ? present.controllers : distinct(principalsOf(controllers, 'controllers')),
    computeAllocation: fields.natIf('compute_allocation', 100n) ?? present.computeAllocation,
    memoryAllocation: fields.natIf('memory_allocation', 2n ** 48n) ?? present.memoryAllocation,
    freezingThreshold: fields.natIf('freezing_threshold') ?? present.freezingThreshold,
    reservedCyclesLimit: fields.natIf('reserved_cycles_limit', 2n ** 128n - 1n) ?? present.reservedCyclesLimit,
    wasmMemoryLimit: fields.natIf('wasm_memory_limit', 2n ** 48n) ?? present.wasmMemoryLimit,
    wasmMemoryThreshold: fields.natIf('wasm_memory_threshold') ?? present.wasmMemoryThreshold,
    logVisibility: readVisibility(fields, 'log_visibility') ?? present.logVisibility,
    snapshotVisibility: readVisibility(fields, 'snapshot_visibility') ?? present.snapshotVisibility,
    environment: readEnvironment(fields) ?? present.environment,
  }
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
