// The password of a session: a function of its id alone, so that any server can check it and none
// stores it (ZooKeeper 3.9 `ZooKeeperServer.generatePasswd`, which draws from `java.util.Random`).
// It proves nothing about who somebody is; it only has to be the same on every server.

import type { SessionId } from '../../base/session-id.ts'

/**
 * Four words of a 48-bit linear congruential generator, each in little-endian order. The state is
 * kept as two halves of 24 bits, whose products stay exact as numbers.
 */
export function sessionPassword(id: SessionId): Uint8Array {
  const seed = BigInt.asUintN(48, id ^ SUPER_SECRET ^ MULTIPLIER)
  let high = Number(seed >> 24n)
  let low = Number(seed & 0xff_ffffn)
  const password = new Uint8Array(PASSWORD_BYTES)
  for (let at = 0; at < PASSWORD_BYTES; at += 4) {
    const lowProduct = low * MULTIPLIER_LOW + INCREMENT
    const carry = Math.floor(lowProduct / HALF)
    high = (high * MULTIPLIER_LOW + low * MULTIPLIER_HIGH + carry) % HALF
    low = lowProduct % HALF
    // The word is the upper 32 of the 48 bits: all of `high`, and the upper 8 of `low`.
    password[at] = low >>> 16
    password[at + 1] = high
    password[at + 2] = high >>> 8
    password[at + 3] = high >>> 16
  }
  return password
}

const PASSWORD_BYTES = 16
const SUPER_SECRET = 0xb3415c00n
const MULTIPLIER = 0x5_deec_e66dn
const HALF = 2 ** 24
const MULTIPLIER_HIGH = Number(MULTIPLIER >> 24n)
const MULTIPLIER_LOW = Number(MULTIPLIER & 0xff_ffffn)
const INCREMENT = 0xb
