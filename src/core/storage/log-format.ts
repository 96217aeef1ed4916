// The transaction log of ZooKeeper 3.9 (`FileTxnLog`):
//
//   file     magic i32 "ZKLG" | version i32 = 2 | dbid i64 = 0                      16 bytes
//   record   Adler-32 of the body as i64 | body length i32 | body | 0x42 'B'        13 + length
//   …        zeros to the end of the file: a body length of 0 ends it
//
// A body is a transaction: header, its fields, and its digest unless digests are off.

export const LOG_MAGIC = 0x5a4b4c47
export const LOG_HEADER_BYTES = 16
/** Checksum and length, before the body. */
export const RECORD_HEAD_BYTES = 12
/** Checksum, length and end byte. */
export const RECORD_FRAME_BYTES = 13
export const RECORD_END = 0x42
/** Where the zxid stands within a body. */
export const BODY_ZXID_OFFSET = 12

/** Begins a file that is `length` bytes long: the header, then zeros. */
export function logFileStart(length: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(length, LOG_HEADER_BYTES))
  const view = new DataView(bytes.buffer)
  view.setInt32(0, LOG_MAGIC)
  view.setInt32(4, 2)
  return bytes
}
