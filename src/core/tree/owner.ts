// What a node's stored owner field means: nothing, a session, the mark of a container, or a time
// to live (ZooKeeper 3.9 `EphemeralType`). It knows the 64 bits and the rules by which they are
// read, and nothing of sessions or of the tree.

import { CONTAINER_OWNER_HIGH, type OwnerRules } from './data-tree.ts'

export const OwnerKind = { none: 0, session: 1, container: 2, ttl: 3 } as const

export type OwnerKind = (typeof OwnerKind)[keyof typeof OwnerKind]

/** Classifies an owner field given as its two words, whatever their signs. */
export function ownerKindOf(rules: OwnerRules, high: number, low: number): OwnerKind {
  const top = high | 0
  if ((top | low) === 0) return OwnerKind.none
  const isContainer = top === CONTAINER_OWNER_HIGH && (low | 0) === 0
  if (rules.extendedTypes && !isContainer) {
    if (rules.emulate353Ttl && top < 0) return OwnerKind.ttl
    // The 16 bits below the mark select a feature, of which only this one exists. ZooKeeper calls
    // any other value an internal error; here it is the session of a server numbered 255.
    if (top >>> 8 === TTL_MARK_AND_FEATURE) return OwnerKind.ttl
  }
  return isContainer ? OwnerKind.container : OwnerKind.session
}

/** The time to live, in milliseconds, in an owner field of kind `ttl`. */
export function ttlMsOf(rules: OwnerRules, high: number, low: number): number {
  const valueBits = rules.emulate353Ttl ? 0x7fffffff : 0xff
  return (high & valueBits) * 2 ** 32 + (low >>> 0)
}

const TTL_MARK_AND_FEATURE = 0xff0000
