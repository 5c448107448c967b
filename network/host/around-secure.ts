import type { ConnectionEncrypter, MessageStream, SecuredConnection } from '@libp2p/interface'

export type Secure = (connection: MessageStream, ...more: never[]) => Promise<SecuredConnection>

/** Has what encrypts connections secure them in another way, whichever side dialled: `around` is given its own. */
export function aroundSecure<Components, Encrypter extends ConnectionEncrypter>(
  create: (components: Components) => Encrypter,
  around: (secure: Secure) => Secure,
): (components: Components) => Encrypter {
  return components => {
    const encrypter = create(components)
    for (const way of ['secureInbound', 'secureOutbound'] as const) {
      const secure: Secure = encrypter[way].bind(encrypter)
      Object.assign(encrypter, { [way]: around(secure) })
    }
    return encrypter
  }
}
