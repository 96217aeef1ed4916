// The list of every key, and the way from a name in a file to its record.

import type { ConfigKey } from './key.ts'
import { clientKeys, otherClientKeys } from './keys-clients.ts'
import { ensembleKeys, unreadEnsembleKeys } from './keys-ensemble.ts'
import { observabilityKeys } from './keys-observability.ts'
import { otherSecurityKeys, securityKeys } from './keys-security.ts'
import { storageKeys } from './keys-storage.ts'

export interface KeyGroup {
  readonly title: string
  readonly keys: readonly ConfigKey[]
}

export const keyGroups: readonly KeyGroup[] = [
  { title: 'Basics and storage', keys: Object.values(storageKeys) },
  { title: 'Client connections', keys: [...Object.values(clientKeys), ...otherClientKeys] },
  { title: 'Security', keys: [...Object.values(securityKeys), ...otherSecurityKeys] },
  { title: 'Observability', keys: observabilityKeys },
  { title: 'Ensemble', keys: [...Object.values(ensembleKeys), ...unreadEnsembleKeys] },
]

const allKeys = keyGroups.flatMap((group) => group.keys)
const byName = new Map(
  allKeys
    .filter((key) => !key.family)
    .flatMap((key) => [key.name, ...key.aliases].map((name) => [name, key] as const)),
)
const families = allKeys
  .filter((key) => key.family)
  .sort((left, right) => right.name.length - left.name.length)

/** The record of a key, of its alias, or of the longest family that it belongs to. */
export function findKey(name: string): ConfigKey | null {
  return byName.get(name) ?? families.find((key) => name.startsWith(key.name)) ?? null
}

/** The known name that a mistyped one is closest to; null where none is close. */
export function closestName(name: string): string | null {
  let best: string | null = null
  let bestDistance = Math.min(3, Math.ceil(name.length / 4)) + 1
  for (const key of allKeys) {
    const distance = editDistance(name.toLowerCase(), key.name.toLowerCase())
    if (distance < bestDistance) {
      best = key.name
      bestDistance = distance
    }
  }
  return best
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const substitution = left[row - 1] === right[column - 1] ? 0 : 1
      current[column] = Math.min(
        (current[column - 1] ?? 0) + 1,
        (previous[column] ?? 0) + 1,
        (previous[column - 1] ?? 0) + substitution,
      )
    }
    previous = current
  }
  return previous[right.length] ?? 0
}
