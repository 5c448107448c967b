import { parentPort, workerData } from 'node:worker_threads'
import { blsSign } from '../../protocol/index.ts'

/** Signs what it is sent, in order; the secret is all it knows. */
const secret = (workerData as { readonly secret: Uint8Array }).secret
parentPort?.on('message', (message: Uint8Array) => parentPort?.postMessage(blsSign(secret, message)))
