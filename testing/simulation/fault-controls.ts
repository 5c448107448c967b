import { Failure } from '../../protocol/index.ts'
import { microsecondsOf } from '../duration.ts'
import type { FaultRule, Faults } from './faults.ts'
import type { FaultTarget, NetFaults, ProcessName } from '../test-net.ts'

export interface FaultControlsParts {
  readonly nodes: readonly string[]
  readonly faults: Faults
  /** The node that a process lives on. */
  homeOf(process: string): string
  crash(node: string): void
  restart(node: string): Promise<void>
  note(text: string): void
}

/** The faults of a simulated network, by the names that a test uses. */
export function faultControls(parts: FaultControlsParts): NetFaults {
  const { nodes, faults, note } = parts
  const idOf = (name: ProcessName): string => (typeof name === 'string' ? name : name.id)
  const nodeOf = (name: ProcessName): string => (nodes.includes(idOf(name)) ? idOf(name) : parts.homeOf(idOf(name)))
  const add = (kind: FaultRule['kind'], { from, to, p = 1 }: FaultTarget = {}, delayUs = 0): void => {
    if (!(p >= 0 && p <= 1)) throw new Failure('bad-config', { p }, { note: 'a probability is from 0 to 1' })
    const rule = { kind, p, delayUs, from: from && idOf(from), to: to && idOf(to) }
    note(`fault: ${kind} ${JSON.stringify(rule)}`)
    faults.add(rule)
  }
  return {
    crash(...names) {
      for (const name of names) parts.crash(nodeOf(name))
    },
    async restart(...names) {
      await Promise.all(names.map(name => parts.restart(nodeOf(name))))
    },
    partition(...groups) {
      const unknown = groups.flat().find(name => !nodes.includes(name))
      if (unknown !== undefined) throw new Failure('bad-config', { node: unknown, nodes }, { note: 'no such node' })
      note(`fault: partition ${groups.map(group => group.join(' ')).join(' | ')}`)
      faults.partition(...groups)
    },
    drop: target => add('drop', target),
    duplicate: target => add('duplicate', target),
    delay: (by, target) => add('delay', target, microsecondsOf(by)),
  }
}
