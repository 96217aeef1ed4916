// What a contender's node says about whom it stands for.

import { codec } from '../client/codec.ts'
import type { Platform } from '../client/platform.ts'
import type { Stat } from '../client/stat.ts'

/** For people and tools: an id that nobody else has, and since when. */
export function ownerRecord(platform: Platform, id: string = randomId(platform)): string {
  const since = new Date(platform.clock.wallMs()).toISOString()
  return JSON.stringify({ id, nonce: randomId(platform), since })
}

/** The id in a record, or the whole text where it is none (Curator writes the id alone). */
export function idIn(data: Uint8Array, stat: Stat): string {
  const text = codec.utf8.decode(data, stat)
  if (!text.startsWith('{')) return text
  try {
    const record = JSON.parse(text) as { readonly id?: unknown }
    return typeof record.id === 'string' ? record.id : text
  } catch {
    return text
  }
}

export function randomId(platform: Platform): string {
  let digits = ''
  while (digits.length < 16) digits += platform.random.below(16).toString(16)
  return digits
}
