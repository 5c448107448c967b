import { type AtollNode, createNode } from '../node/index.ts'
import { Failure } from '../protocol/index.ts'
import { withNextStep } from './next-step.ts'

type NodeConfig = Parameters<typeof createNode>[0] & { readonly data: string }

/** Opens a node for who types at a terminal. @throws {Failure} as `createNode`, with what to do if one runs in that folder already */
export async function startNode(config: NodeConfig): Promise<AtollNode> {
  try {
    return await createNode(config)
  } catch (error) {
    if (!Failure.is(error, 'data-folder-locked')) throw error
    throw withNextStep(
      new Failure(error.code, { folder: config.data }, { note: 'a node runs there already', cause: error.cause }),
      'Use that one, or stop it (Ctrl-C where it was started); a second one has a port and a folder of its own: --port, --data.',
    )
  }
}

/** Whether a node runs in that folder: what is there must not be touched then. @throws {Failure} `data-folder-locked` */
export async function refuseRunning(config: NodeConfig): Promise<void> {
  try {
    await using _node = await startNode({ ...config, port: 0 })
  } catch (error) {
    if (Failure.is(error, 'data-folder-locked')) throw error
  }
}
