/** wao's server with its state in memory (its fastest setting), on free loopback ports. */

import { Server as NetServer } from 'node:net'
import type { AosBits } from '../peer-wao.ts'
import { freePorts } from './free-port.ts'
import { acceptNumbersInGrow } from './memory-growth.ts'
import { peerPackage, runProgram } from './program.ts'

interface Wao {
  readonly Server: new (ports: Record<'ar' | 'bd' | 'mu' | 'su' | 'cu', number>) => unknown
  readonly mu: { readonly addr: string }
  readonly scheduler: string
}

/** Ids under which wao's gateway knows the modules it ships. */
const MODULES: Record<AosBits, string> = {
  wasm32: 'WASM32-D8q2OmZ4Mok00sD2Y_6SYEQ7Hjx-6VZ_jl3g',
  wasm64: 'ISShJH1ij-hPPt9St5UFFr_8Ys3Kj5cyg7zrMGt7H9s',
}

/** wao listens on every interface and offers no setting for it. */
function listenOnLoopbackOnly(): void {
  const listen = NetServer.prototype.listen
  NetServer.prototype.listen = function (this: NetServer, ...args: readonly unknown[]) {
    const [port, ...rest] = args
    const all = typeof port === 'number' ? [port, '127.0.0.1', ...rest] : args
    return Reflect.apply(listen, this, all)
  }
}

async function untilListening(urls: readonly string[]): Promise<void> {
  for (const url of urls) await (await fetch(url)).arrayBuffer()
}

await runProgram<{ readonly bits: AosBits }>(async ({ bits }) => {
  const [ar = 0, bd = 0, mu = 0, su = 0, cu = 0] = await freePorts(5)
  listenOnLoopbackOnly()
  acceptNumbersInGrow()
  const wao = peerPackage<Wao>('wao/test')
  new wao.Server({ ar, bd, mu, su, cu })
  const [GATEWAY_URL, MU_URL, CU_URL] = [ar, mu, cu].map(port => `http://127.0.0.1:${port}`)
  await untilListening([GATEWAY_URL, MU_URL, CU_URL].filter(url => url !== undefined))
  const module = MODULES[bits]
  return { GATEWAY_URL, MU_URL, CU_URL, scheduler: wao.scheduler, authority: wao.mu.addr, module }
})
