import { type Control, fromUtf8 } from '../../protocol/index.ts'
import type { LoadedModule } from '../../compute-unit/index.ts'
import { paper, Upgraded } from './upgraded.ts'

export const V1 = paper(1, { version: '1' })
export const LOUD = paper(2, { version: '2', migrate: 'upper', prefix: 'v2 ' })
export const REFUSING = paper(3, { version: '3', migrate: 'refuse' })

export function talked(...modules: readonly LoadedModule[]): Upgraded {
  const process = new Upgraded(modules)
  process.spawn()
  process.send({ Action: 'Say' }, 'one')
  process.send({ Action: 'Say' }, 'two')
  return process
}

export const outputOf = ({ output }: { output: Uint8Array }): unknown => JSON.parse(fromUtf8(output))
export const wordsOf = (process: Upgraded): unknown => outputOf(process.send({ Action: 'Words' }))
export const snapshot = (name: string): Control => ({ action: 'Snapshot', name })
export const restore = (name?: string): Control => ({ action: 'Restore', name, pending: 'wait' })
