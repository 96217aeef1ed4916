// The snapshot of ZooKeeper 3.9 (`FileSnap`), before compression:
//
//   header      magic i32 "ZKSN" | version i32 = 2 | dbid i64 = -1
//   sessions    count i32 | (id i64 | timeout in ms i32)…
//   ACLs        count i32 | (number i64 | vector of ACL)…
//   nodes       (path | data | ACL number i64 | StatPersisted)…, parents first, the root as ""
//               then the path "/", which no node has
//   seal        Adler-32 of all bytes so far as i64 | the string "/"
//   digest      zxid i64 | version i32 = 2 | digest of the tree i64          since 3.6, may be absent
//   seal        of all bytes so far
//   last zxid   i64                                                         since 3.9, may be absent
//   seal        of all bytes so far
//
// A seal covers the seals before it.

export const SNAPSHOT_MAGIC = 0x5a4b534e
export const SNAPSHOT_HEADER_BYTES = 16
export const SEAL_BYTES = 13
export const LAST_ZXID_SECTION_BYTES = 8
export const STAT_PERSISTED_BYTES = 60

/** The four bytes of length and the one of content that end every snapshot. */
export const SLASH_FIELD: readonly number[] = [0, 0, 0, 1, 0x2f]

/** Before the blocks of a snappy file, each a big-endian length and a raw block (`SnappyOutputStream`). */
export const SNAPPY_MAGIC: readonly number[] = [0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]
export const SNAPPY_HEADER: Uint8Array = Uint8Array.from([
  ...SNAPPY_MAGIC,
  ...[0, 0, 0, 1], // version
  ...[0, 0, 0, 1], // the oldest version that can read it
])
/** The most that one snappy block holds before compression. */
export const SNAPPY_BLOCK_BYTES: number = 32 << 10

export const GZIP_MAGIC: readonly number[] = [0x1f, 0x8b]
