import { describe, expect, it } from 'vitest'
import { HostedProcess, type LoadedModule } from '../../compute-unit/index.ts'
import { HOST_FUNCTIONS } from '../../processes/actor/abi.ts'
import { FILE_IMPORTS } from '../../processes/ao/file-imports.ts'
import { SYSTEM_IMPORTS } from '../../processes/ao/system-imports.ts'
import { TIME_IMPORTS } from '../../processes/ao/time-imports.ts'
import { WASI_CALLS } from '../../processes/command/wasi/index.ts'
import { RUNTIMES } from '../../processes/index.ts'
import {
  asModuleId,
  describeProcess,
  type Envelope,
  encodeEnvelope,
  encodeFrame,
  findTag,
  GAS_PER_SLOT_MAX,
  type ModuleDescription,
  type Tag,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { drawing, hostileArguments } from '../fakes/hostile-values.ts'
import { messageItem, spawnItem } from '../fakes/signed-items.ts'
import { wat } from './rewriter/wat.ts'

/** Arguments for each function: more of them by hand. */
const ROWS = Number(process.env['ATOLL_HOSTILE_ROWS'] ?? 4)
const ID = asModuleId(fakeId(1))
const VERDICT = { status: 'ok', sender: { owner: keyOf(1), module: ID } } as const

/** Evaluates a spawn and a message of a process of that module, as a host does. @throws what escapes */
function evaluate(wasm: Uint8Array, tags: readonly Tag[]): void {
  const format = findTag(tags, 'Module-Format') ?? ''
  const runtime = RUNTIMES.find(one => one.formats.includes(format))
  if (runtime === undefined) throw new TypeError(`expected a format, got ${format}`)
  const module: ModuleDescription = { id: ID, owner: '', format, tags, wasm }
  const factory = runtime.load(runtime.prepare(module), module)
  const stateForm = runtime.stateForm ?? 'document'
  const loaded: LoadedModule = {
    id: ID,
    format,
    tags,
    stateForm,
    refused: undefined,
    factory,
    limits: { gasPerSlotMax: GAS_PER_SLOT_MAX },
  }
  const item = spawnItem(ID, keyOf(1))
  const spawn: Envelope = { kind: 'item', item: item.bytes }
  const description = describeProcess(spawn)
  const hosted = HostedProcess.open(description, loaded)
  const message: Envelope = {
    kind: 'item',
    item: messageItem(description.id, { data: 'a message' }).bytes,
  }
  const assignments = [spawn, message].map((envelope, index) => ({
    timestampMs: 1_700_000_000_000 + index,
    envelopeBytes: encodeEnvelope(envelope),
  }))
  hosted.evaluate(encodeFrame(0, assignments), [VERDICT, VERDICT])
  hosted.close()
  factory.close()
}

const TYPES: Readonly<Record<string, string>> = { i: 'i32', I: 'i64' }
const typesOf = (letters: string): string => [...letters].map(letter => TYPES[letter]).join(' ')

/** Import and call of a function whose type is told in letters. */
function callOf(from: string, name: string, type: string, values: readonly bigint[]): { import: string; call: string } {
  const [params = '', result = ''] = type.split('>')
  const gives = result === '' ? '' : `(result ${typesOf(result)})`
  const arguments_ = [...params].map((letter, index) => `(${TYPES[letter]}.const ${values[index] ?? 0n})`).join(' ')
  const call = `(call $it ${arguments_})`
  return {
    import: `(import "${from}" "${name}" (func $it (param ${typesOf(params)}) ${gives}))`,
    call: result === '' ? call : `(drop ${call})`,
  }
}

const rowsOf = (type: string, draw: () => number): bigint[][] =>
  hostileArguments(type.split('>')[0] ?? '', false, ROWS, draw)

/** `call` twice: the second finds what the first left. */
const actorText = ({ import: imported, call }: ReturnType<typeof callOf>): string => `(module ${imported}
  (memory (export "memory") 2) (data (i32.const 0) "\\01\\00\\00\\00\\01\\00\\00\\00") (data (i32.const 64) "a text")
  (func (export "inbox") (param i32) (result i32) (i32.const 98304))
  (func (export "handle") (param i32) (result i32) ${call} ${call} (i32.const 0)))`

const commandText = ({ import: imported, call }: ReturnType<typeof callOf>): string => `(module ${imported}
  (memory (export "memory") 1) (data (i32.const 0) "\\40\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 64) "a text")
  (func (export "_start") ${call} ${call}))`

const aoText = ({ import: imported, call }: ReturnType<typeof callOf>): string => `(module ${imported}
  (memory (export "memory") 2 64)
  (global $stack (mut i32) (i32.const 65536))
  (data (i32.const 16) "{\\"ok\\":true,\\"response\\":{\\"Output\\":\\"..\\"}}\\00") (data (i32.const 64) "a text\\00")
  (func (export "__wasm_call_ctors"))
  (func (export "malloc") (param i32) (result i32) (i32.const 66000))
  (func (export "free") (param i32))
  (func (export "setThrew") (param i32 i32))
  (func (export "emscripten_stack_get_end") (result i32) (i32.const 4096))
  (func (export "emscripten_stack_get_current") (result i32) (global.get $stack))
  (func (export "_emscripten_stack_restore") (param i32) (global.set $stack (local.get 0)))
  (func (export "_emscripten_stack_alloc") (param i32) (result i32)
    (global.set $stack (i32.and (i32.sub (global.get $stack) (local.get 0)) (i32.const -16)))
    (global.get $stack))
  (func (export "handle") (param i32 i32) (result i32) ${call} ${call} (i32.const 16)))`

const AO_IMPORTS = { ...SYSTEM_IMPORTS, ...TIME_IMPORTS, ...FILE_IMPORTS }
const AO_TAGS: Tag[] = [{ name: 'Module-Format', value: 'wasm32-unknown-emscripten4' }]

describe('host calls with hostile arguments let nothing escape but what the guest did', {
  timeout: 300_000,
}, () => {
  it.each(Object.entries(HOST_FUNCTIONS))('of actors: %s', (name, type) => {
    const draw = drawing(name.length)
    for (const values of rowsOf(type, draw)) {
      const wasm = wat(actorText(callOf('atoll', name, type, values)))
      expect(() => evaluate(wasm, [{ name: 'Module-Format', value: 'actor' }]), values.join()).not.toThrow()
    }
  })

  it.each(Object.entries(WASI_CALLS))('of programs: %s', (name, { type }) => {
    const draw = drawing(name.length)
    for (const values of rowsOf(type, draw)) {
      const wasm = wat(commandText(callOf('wasi_snapshot_preview1', name, type, values)))
      expect(() => evaluate(wasm, [{ name: 'Module-Format', value: 'command' }]), values.join()).not.toThrow()
    }
  })

  it.each(Object.keys(AO_IMPORTS))('of ao modules: %s', name => {
    const draw = drawing(name.length)
    // What a function does not take it does not see.
    const type = 'iiiiii>'
    for (const values of rowsOf(type, draw)) {
      const wasm = wat(aoText(callOf('env', name, type, values)))
      expect(() => evaluate(wasm, AO_TAGS), values.join()).not.toThrow()
    }
  })
})
