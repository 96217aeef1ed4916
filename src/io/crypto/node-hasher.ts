// Cryptographic digests by the platform.

import { createHash, getHashes } from 'node:crypto'
import type { Hasher } from '../../ports/hasher.ts'

export class NodeHasher implements Hasher {
  digest(algorithm: string, bytes: Uint8Array): Uint8Array {
    return createHash(platformName(algorithm)).update(bytes).digest()
  }

  knows(algorithm: string): boolean {
    return getHashes().includes(platformName(algorithm))
  }
}

/** Java writes `SHA-256` where OpenSSL writes `sha256`; `SHA3-256` is called so by both. */
function platformName(algorithm: string): string {
  return algorithm.toLowerCase().replace(/^(sha|md)-/, '$1')
}
