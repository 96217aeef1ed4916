// A session id uses all 64 bits: the creating server's id in the top byte, a clock and a counter
// below. It is a bigint wherever a person or an API sees it.

export type SessionId = bigint & { readonly __sessionId: never }

export const SESSION_NONE: SessionId = 0n as SessionId

/** Reads any 64-bit pattern (signed or not) as a session id: the signed value, as on the wire. */
export const sessionIdOf = (value: bigint): SessionId => BigInt.asIntN(64, value) as SessionId

/** As people see it: `0x` and lower-case hexadecimal of the unsigned 64 bits. */
export const formatSessionId = (id: bigint): string => `0x${BigInt.asUintN(64, id).toString(16)}`

/**
 * The first session id of a server that starts at `wallMs`; each new session takes the next one.
 * Layout: server id in bits 56..63, the low 40 bits of the clock in bits 16..55, zeros below
 * (ZooKeeper 3.9 `SessionTrackerImpl.initializeNextSessionId`).
 */
export function firstSessionId(serverId: number, wallMs: number): SessionId {
  const clock = BigInt(Math.floor(wallMs)) & 0xff_ffff_ffffn
  const id = sessionIdOf((BigInt(serverId & 0xff) << 56n) | (clock << 16n))
  // The bare container marker may never own anything.
  return id === CONTAINER_MARKER ? sessionIdOf(id + 1n) : id
}

const CONTAINER_MARKER = -(2n ** 63n)
