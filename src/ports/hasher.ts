// Cryptographic digests, which the platform has and the pure parts do not.

export interface Hasher {
  /** The digest of `bytes`; `algorithm` by its usual name: SHA1, SHA-256 … Throws for an unknown one. */
  digest(algorithm: string, bytes: Uint8Array): Uint8Array
}
