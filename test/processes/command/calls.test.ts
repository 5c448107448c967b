import { describe, expect, it } from 'vitest'
import { FileTree, NAME_GAS } from '../../../processes/command/files/file-tree.ts'
import { DESCRIPTOR_CALLS } from '../../../processes/command/wasi/descriptor-calls.ts'
import { costOf } from '../../../processes/command/wasi/call-costs.ts'
import { CallError } from '../../../processes/command/wasi/errno.ts'
import { SlotClock, type WasiHost } from '../../../processes/command/wasi/host.ts'
import { OpenFiles, OutputStream } from '../../../processes/command/wasi/open-files.ts'
import { ProgramMemory } from '../../../processes/command/wasi/program-memory.ts'

/** The host of a run whose root folder has these files, and what it was charged. */
function hostOf(names: readonly string[]): { host: WasiHost; tree: FileTree; charged: () => number } {
  let sum = 0
  const charge = (gas: number): void => {
    sum += gas
  }
  const tree = new FileTree(charge)
  for (const name of names) tree.put(name, new Uint8Array(0))
  const memory = new ProgramMemory(new WebAssembly.Memory({ initial: 1 }))
  const files = new OpenFiles(tree, new Uint8Array(0))
  const rest = { args: [], env: [], clock: new SlotClock(0), random: (length: number) => new Uint8Array(length) }
  return { host: { memory, tree, files, charge, ...rest }, tree, charged: () => sum }
}

describe('what a call costs its host is paid for', () => {
  it('names that a listing passes over, because they are gone, each time they are passed over', () => {
    const names = Array.from({ length: 100 }, (_, index) => `f${index}`)
    const { host, tree, charged } = hostOf(names)
    const list = (cookie: bigint) => DESCRIPTOR_CALLS.fd_readdir.run(host, 3, 0, 1000, cookie, 2000)
    list(0n)
    for (const name of names) tree.removeFile(tree.find(tree.root, name))
    const before = charged()
    list(3n)
    list(3n)
    expect(charged() - before).toBe(2 * 100 * NAME_GAS)
  })

  it('refusals note no place in the host', () => {
    expect(new CallError('noEntry')).not.toHaveProperty('stack')
  })

  it('bytes that are written one by one take no more memory than they are', () => {
    const count = 1024 * 1024
    const stream = new OutputStream(count, 'stop')
    const before = process.memoryUsage()
    for (let index = 0; index < count; index++) stream.write(Uint8Array.of(index))
    const after = process.memoryUsage()
    expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(64 * count)
    expect(stream.bytes().subarray(-3)).toEqual(Uint8Array.of(253, 254, 255))
    expect(() => stream.write(Uint8Array.of(0))).toThrow('on stdout')
  })
})

describe('a path that ends with a slash', () => {
  const refusal = (work: () => unknown): unknown => {
    try {
      return work()
    } catch (error) {
      return error instanceof CallError ? error.message : error
    }
  }

  it('is that of a folder: no file is made or put there', () => {
    const { tree } = hostOf(['here'])
    const at = (path: string) => tree.find(tree.root, path)
    expect(refusal(() => tree.makeFile(at('new/')))).toBe('isFolder')
    expect(refusal(() => tree.rename(at('here'), at('there/')))).toBe('notFolder')
    expect(refusal(() => at('here/'))).toBe('notFolder')
    tree.makeFolder(at('folder/'))
    tree.rename(at('folder/'), at('moved/'))
    expect([at('moved').node?.kind, at('new').node, at('here').node?.kind]).toEqual(['folder', undefined, 'file'])
  })

  it('nor is there anything within what there is not, or in a file', () => {
    const { tree } = hostOf(['here'])
    for (const [path, told] of [
      ['new/.', 'noEntry'],
      ['new/./x', 'noEntry'],
      ['here/.', 'notFolder'],
    ] as const)
      expect(refusal(() => tree.find(tree.root, path))).toBe(told)
    expect(tree.find(tree.root, './/./here').node?.kind).toBe('file')
  })
})

it('a path is paid for by its length, wherever it stands among what a call is given', () => {
  const { host } = hostOf([])
  const lengths = (name: string, ...args: number[]) => costOf(name, args, host.memory) - costOf(name, [], host.memory)
  for (const name of ['path_open', 'path_open2']) expect(lengths(name, 3, 0, 1024, 100, 1)).toBe(16 * 100)
  expect(lengths('path_filestat_get', 3, 0, 1024, 100)).toBe(16 * 100)
  expect(lengths('path_rename', 3, 1024, 100, 3, 2048, 50)).toBe(16 * 150)
})
