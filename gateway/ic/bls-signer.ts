import { Worker } from 'node:worker_threads'
import { Failure } from '../../protocol/index.ts'

interface Waiting {
  resolve(signature: Uint8Array): void
  reject(error: unknown): void
}

/** Makes BLS signatures on a thread of its own, in the order in which they are asked for. */
export class BlsSigner implements AsyncDisposable {
  readonly #secret: Uint8Array
  #worker: Worker | undefined
  #waiting: Waiting[] = []
  #closed = false

  /** The thread is started by the first signature. */
  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** @throws {Failure} `shutting-down`, `host-fault` */
  sign(message: Uint8Array): Promise<Uint8Array> {
    if (this.#closed) return Promise.reject(new Failure('shutting-down'))
    this.#worker ??= this.#start()
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    this.#waiting.push({ resolve, reject })
    this.#worker.postMessage(message)
    return promise
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const worker = new Worker(new URL(`bls-worker.${extension}`, import.meta.url), {
      workerData: { secret: this.#secret },
    })
    worker.on('message', (signature: Uint8Array) => {
      // Whoever waited for one that failed was told.
      if (this.#worker === worker) this.#waiting.shift()?.resolve(signature)
    })
    worker.on('error', cause => this.#failed(worker, new Failure('host-fault', {}, { cause })))
    worker.on('exit', () => this.#failed(worker, new Failure(this.#closed ? 'shutting-down' : 'host-fault')))
    worker.unref()
    return worker
  }

  /** What waited for it fails; the next signature starts another. */
  #failed(worker: Worker, failure: Failure): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const waiting = this.#waiting
    this.#waiting = []
    for (const { reject } of waiting) reject(failure)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#worker?.terminate()
  }
}
