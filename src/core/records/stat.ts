// The `Stat` of a znode as it goes over the wire, always 68 bytes:
//
//   0 czxid i64 | 8 mzxid i64 | 16 ctime i64 | 24 mtime i64 | 32 version i32 | 36 cversion i32
//   40 aversion i32 | 44 ephemeralOwner i64 | 52 dataLength i32 | 56 numChildren i32 | 60 pzxid i64
//
// On the wire cversion counts changes: twice the children ever created, less those there now.

import { type Decoded, int, long, record, safeLong, zxid } from '../jute/schema.ts'

export const STAT_BYTES = 68

export const stat = record({
  czxid: zxid,
  mzxid: zxid,
  ctime: safeLong,
  mtime: safeLong,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: zxid,
})

export type Stat = Decoded<typeof stat>

/**
 * The form in snapshots, 60 bytes: cversion counts creations only, and the owner field also marks
 * containers and nodes with a time to live.
 */
export const statPersisted = record({
  czxid: zxid,
  mzxid: zxid,
  ctime: safeLong,
  mtime: safeLong,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  pzxid: zxid,
})

export type StatPersisted = Decoded<typeof statPersisted>
