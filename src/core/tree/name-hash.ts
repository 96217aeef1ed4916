// The hash of a child's name and its parent's row, taken byte by byte while a path is searched for
// its slashes.

/** Begins a hash; the same names hash differently under another seed. */
export const hashStart = (parent: number, seed: number): number =>
  Math.imul(parent ^ seed, 0x85ebca6b)

export const hashByte = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193)

/** Spreads the hash over all bits (the finalizer of MurmurHash3). */
export function hashEnd(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
