import { createIcFaces, IcKeys, BlsSigner, type QueryClerk, ThreadedClerk } from '../../../gateway/index.ts'
import { clerkProgram } from '../../../node/index.ts'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  ed25519PublicKey,
  emptyCanisterModule,
  findByPrincipal,
  keyId,
  signDataItemSync,
  toBase64Url,
} from '../../../protocol/index.ts'
import { realClock } from '../../fakes/real-clock.ts'
import { StandInCanisters } from '../../fakes/stand-in-canisters.ts'

const SEED = new Uint8Array(32).fill(42)
const NOBODY = { seed: SEED, nodeId: SEED }

/** The IC's face over HTTP, of the stand-in for a node. */
export class IcNode implements AsyncDisposable {
  readonly units: StandInCanisters
  readonly url: string
  readonly keys: IcKeys
  readonly #server: Server
  readonly #threads: readonly AsyncDisposable[]

  private constructor(units: StandInCanisters, keys: IcKeys, server: Server, threads: readonly AsyncDisposable[]) {
    this.units = units
    this.keys = keys
    this.#server = server
    this.#threads = threads
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  /** With `speaks` false, as a node that carries for canisters which others evaluate. */
  static async open({
    now = Date.now,
    speaks = true,
    rootSeed,
    notary = new ThreadedClerk(clerkProgram(), NOBODY),
  }: {
    now?: () => number
    speaks?: boolean
    rootSeed?: Uint8Array
    /** Who looks at what canisters may have signed. */
    notary?: QueryClerk & AsyncDisposable
  } = {}): Promise<IcNode> {
    const key = keyId(ed25519PublicKey(SEED))
    const clock = { ...realClock, now }
    const units = await StandInCanisters.open(key, clock)
    const keys = new IcKeys(SEED, rootSeed)
    const signer = new BlsSigner(keys.subnetSecret)
    const clerk = new ThreadedClerk(clerkProgram(), { seed: keys.nodeSeed, nodeId: keys.nodeId })
    const { api, pages } = createIcFaces({
      log: units.log,
      messenger: units.messenger,
      computer: units.computer,
      scheduler: units.scheduler,
      clock,
      keys,
      version: '0.0.0-test',
      sign: message => signer.sign(message),
      clerk,
      notary,
      signSpawn: async (data, anchor) => {
        const tags = Object.entries({
          'Data-Protocol': 'ao',
          Type: 'Process',
          Module: emptyCanisterModule().id,
          Scheduler: key,
          'Canister-Request': 'ingress',
          'IC-Root-Key': toBase64Url(keys.rootKey),
        }).map(([name, value]) => ({ name, value }))
        return signDataItemSync({ tags, data, anchor }, SEED).bytes
      },
      processOf: principal => findByPrincipal(units.log.directory, principal),
      speaksFor: () => speaks,
      watch: see => {
        if (speaks) units.watch(see)
      },
      trouble: failure => {
        throw failure
      },
    })
    const server = createServer((request, response) => {
      const url = () => new URL(`http://localhost${request.url ?? ''}`)
      void api(request, response, url).then(isTaken => isTaken || pages(request, response, url))
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new IcNode(units, keys, server, [signer, clerk, notary])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
    for (const thread of this.#threads) await thread[Symbol.asyncDispose]()
    await this.units[Symbol.asyncDispose]()
  }
}
