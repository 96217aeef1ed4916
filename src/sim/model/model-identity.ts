// Who a connection is, and the secrets by which a session is taken up again, computed from the
// protocol's description. The hash is whatever the simulation uses for one.

import type { Id } from '../../core/records/acl.ts'
import type { Hasher } from '../../ports/hasher.ts'
import { decodeUtf8 } from '../../base/text.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** What an auth packet proves; null where the connection must be refused. */
export function provenIdentity(
  scheme: string | null,
  auth: Uint8Array | null,
  address: string,
  hasher: Hasher,
): Id | null {
  if (scheme === 'ip') return { scheme: 'ip', id: address }
  if (scheme !== 'digest' || auth === null) return null
  const user = decodeUtf8(auth).split(':')[0] ?? ''
  return { scheme: 'digest', id: `${user}:${base64(hasher.digest('SHA1', auth))}` }
}

/** The sixteen bytes that go with a session. */
export function expectedPassword(session: bigint): Uint8Array {
  const bits48 = 2n ** 48n - 1n
  const seed = BigInt.asUintN(64, session) ^ 0xb341_5c00n
  let state = (seed ^ 0x5_deec_e66dn) & bits48
  const password = new Uint8Array(16)
  const view = new DataView(password.buffer)
  for (let i = 0; i < 4; i++) {
    state = (state * 0x5_deec_e66dn + 0xbn) & bits48
    view.setUint32(i * 4, Number((state >> 16n) & 0xffff_ffffn), true)
  }
  return password
}

function base64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const group = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += ALPHABET[group >> 18]! + ALPHABET[(group >> 12) & 63]!
    text += left > 1 ? ALPHABET[(group >> 6) & 63]! : '='
    text += left > 2 ? ALPHABET[group & 63]! : '='
  }
  return text
}
