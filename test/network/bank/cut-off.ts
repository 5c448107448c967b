import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ip = (...args: readonly string[]): Promise<unknown> => run('ip', [...args])

/** Keeps a program from talking to others for a while, or from doing anything at all. */
export interface CutOff extends AsyncDisposable {
  /** How it is done, for reports. */
  readonly how: string
  /** The address at which the node of that number is reached. */
  address(n: number): string
  /** What stands before a command that is to run as the node of that number. */
  prefix(n: number): readonly string[]
  cut(n: number, pid: number): Promise<void>
  heal(n: number, pid: number): Promise<void>
}

/**
 * Network namespaces, one a node, on one bridge: a cut node runs on and reaches nobody. Where these cannot be made
 * (no root, no ip), nodes are stopped and continued instead.
 */
export async function cutOff(nodes: number): Promise<CutOff> {
  if (process.getuid?.() !== 0) return STOPPING
  const name = `atb${process.pid % 100_000}`
  try {
    await ip('link', 'add', name, 'type', 'bridge')
    await ip('addr', 'add', addressOf(-9).concat('/24'), 'dev', name)
    await ip('link', 'set', name, 'up')
    for (let n = 0; n < nodes; n++) await addSpace(name, n)
  } catch {
    await removeSpaces(name, nodes)
    return STOPPING
  }
  return {
    how: 'network namespaces',
    address: addressOf,
    prefix: n => ['ip', 'netns', 'exec', `${name}-${n}`],
    cut: async n => void (await ip('link', 'set', `${name}v${n}`, 'down')),
    heal: async n => void (await ip('link', 'set', `${name}v${n}`, 'up')),
    [Symbol.asyncDispose]: () => removeSpaces(name, nodes),
  }
}

/** A network of its own for each run: two at once must not reach each other's nodes. */
const addressOf = (n: number): string => `10.213.${process.pid % 256}.${10 + n}`

async function addSpace(bridge: string, n: number): Promise<void> {
  const [space, outer] = [`${bridge}-${n}`, `${bridge}v${n}`]
  await ip('netns', 'add', space)
  await ip('link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space)
  await ip('link', 'set', outer, 'master', bridge, 'up')
  await ip('-n', space, 'addr', 'add', `${addressOf(n)}/24`, 'dev', 'eth0')
  await ip('-n', space, 'link', 'set', 'eth0', 'up')
  await ip('-n', space, 'link', 'set', 'lo', 'up')
}

async function removeSpaces(bridge: string, nodes: number): Promise<void> {
  const gone = (): undefined => undefined
  for (let n = 0; n < nodes; n++) {
    await ip('link', 'del', `${bridge}v${n}`).catch(gone)
    await ip('netns', 'del', `${bridge}-${n}`).catch(gone)
  }
  await ip('link', 'del', bridge).catch(gone)
}

const STOPPING: CutOff = {
  how: 'SIGSTOP',
  address: () => '127.0.0.1',
  prefix: () => [],
  cut: async (_, pid) => void process.kill(pid, 'SIGSTOP'),
  heal: async (_, pid) => void process.kill(pid, 'SIGCONT'),
  [Symbol.asyncDispose]: async () => undefined,
}
