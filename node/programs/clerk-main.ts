// The program of the query clerk's thread: signatures in and out, nothing else of the node.
import { runClerk } from '../../gateway/index.ts'
import { installCrypto } from '../../protocol/index.ts'
import { nativeCrypto } from '../crypto/native-crypto.ts'

installCrypto(nativeCrypto)
runClerk()
