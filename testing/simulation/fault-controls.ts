import { Failure, isId } from '../../protocol/index.ts'
import { microsecondsOf } from '../duration.ts'
import type { FaultRule, Faults } from './faults.ts'
import type { FaultTarget, NetFaults, ProcessName } from '../test-net.ts'

export interface FaultControlsParts {
  readonly nodes: readonly string[]
  readonly faults: Faults
  /** The node that a process lives on; nothing, if nobody has seen it. */
  homeOf(process: string): string | undefined
  crash(node: string): void
  restart(node: string): Promise<void>
  note(text: string): void
}

/** The faults of a simulated network, by the names that a test uses. */
export function faultControls(parts: FaultControlsParts): NetFaults {
  const { nodes, faults, note } = parts
  const idOf = (name: ProcessName): string => (typeof name === 'string' ? name : name.id)
  const unknown = (node: string): Failure => new Failure('bad-config', { node, nodes }, { note: 'no such node' })
  const nodeOf = (name: ProcessName): string => {
    const id = idOf(name)
    const home = nodes.includes(id) ? id : parts.homeOf(id)
    if (home === undefined) throw unknown(id)
    return home
  }
  /** A process that is not yet there can be meant, too. */
  const endOf = (name: ProcessName | undefined): string | undefined => {
    const id = name && idOf(name)
    if (id !== undefined && !nodes.includes(id) && !isId(id)) throw unknown(id)
    return id
  }
  const add = (kind: FaultRule['kind'], { from, to, p = 1 }: FaultTarget = {}, delayUs = 0): void => {
    if (!(p >= 0 && p <= 1)) throw new Failure('bad-config', { p }, { note: 'a probability is from 0 to 1' })
    const rule = { kind, p, delayUs, from: endOf(from), to: endOf(to) }
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
      const all = groups.flat()
      const strange = all.find(name => !nodes.includes(name))
      if (strange !== undefined) throw unknown(strange)
      const twice = all.find((name, at) => all.indexOf(name) !== at)
      if (twice !== undefined) throw new Failure('bad-config', { node: twice }, { note: 'a node is in one group' })
      note(`fault: partition ${groups.map(group => group.join(' ')).join(' | ')}`)
      faults.partition(...groups)
    },
    drop: target => add('drop', target),
    duplicate: target => add('duplicate', target),
    delay: (by, target) => add('delay', target, microsecondsOf(by)),
  }
}
