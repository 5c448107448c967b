import { type AtollNode, createNode, isRunning } from '../node/index.ts'
import { Failure } from '../protocol/index.ts'
import { withNextStep } from './showing/next-step.ts'

type NodeConfig = Parameters<typeof createNode>[0] & { readonly data: string }

/** Opens a node for who types at a terminal. @throws {Failure} as `createNode`, with what to do if one runs in that folder already */
export async function startNode(config: NodeConfig): Promise<AtollNode> {
  try {
    return await createNode(config)
  } catch (error) {
    if (!Failure.is(error, 'data-folder-locked')) throw error
    throw runsThere(config.data, error.cause)
  }
}

/** What is in a folder must not be touched while a node runs there. @throws {Failure} `data-folder-locked` */
export async function refuseRunning(data: string): Promise<void> {
  if (await isRunning(data)) throw runsThere(data)
}

function runsThere(folder: string, cause?: unknown): Failure {
  return withNextStep(
    new Failure('data-folder-locked', { folder }, { note: 'a node runs there already', cause }),
    'Use that one, or stop it (Ctrl-C where it was started); a second one has a port and a folder of its own: --port, --data.',
  )
}
