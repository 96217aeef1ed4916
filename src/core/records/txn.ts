// Transactions as they stand in logs and travel between servers (ZooKeeper 3.9 `zookeeper.jute`,
// module txn):
//
//   TxnHeader   clientId i64 | cxid i32 | zxid i64 | time i64 | type i32          32 bytes
//   body        by type, below
//   TxnDigest   version i32 = 2 | treeDigest i64                                  12 bytes, optional
//
// The type is an operation code; -1 is a transaction that failed, but took its zxid all the same.

import {
  type Decoded,
  bool,
  buffer,
  int,
  long,
  record,
  safeLong,
  ustring,
  vector,
  zxid,
} from '../jute/schema.ts'
import { aclList } from './acl.ts'

export const TXN_HEADER_BYTES = 32
export const TXN_DIGEST_BYTES = 12
export const DIGEST_VERSION = 2

export const txnHeader = record({ clientId: long, cxid: int, zxid, time: safeLong, type: int })

export type TxnHeader = Decoded<typeof txnHeader>

/** The type of the transaction that begins at `start`; codes are small, so its last two bytes tell. */
export const txnTypeAt = (bytes: Uint8Array, start: number): number =>
  ((bytes[start + 30]! << 24) >> 16) | bytes[start + 31]!

/** create and create2; `parentCVersion` is the parent's count of creations after this one, or -1. */
export const createTxn = record({
  path: ustring,
  data: buffer,
  acl: aclList,
  ephemeral: bool,
  parentCVersion: int,
})

export const createContainerTxn = record({
  path: ustring,
  data: buffer,
  acl: aclList,
  parentCVersion: int,
})

/** ttl in milliseconds */
export const createTtlTxn = record({
  path: ustring,
  data: buffer,
  acl: aclList,
  parentCVersion: int,
  ttl: safeLong,
})

/** delete and deleteContainer */
export const deleteTxn = record({ path: ustring })

/** setData and reconfig; `version` is the new one. */
export const setDataTxn = record({ path: ustring, data: buffer, version: int })

/** `version` is the new aversion. */
export const setAclTxn = record({ path: ustring, acl: aclList, version: int })

/** Only inside a multi; `version` is the checked one plus one, and is not looked at again. */
export const checkVersionTxn = record({ path: ustring, version: int })

/** timeOut in milliseconds */
export const createSessionTxn = record({ timeOut: int })

/** The ephemerals that end with the session; older servers write nothing here. */
export const closeSessionTxn = record({ paths2Delete: vector(ustring) })

export const errorTxn = record({ err: int })

export const multiTxn = record({ txns: vector(record({ type: int, data: buffer })) })

export const txnDigest = record({ version: int, treeDigest: long })

export type TxnDigest = Decoded<typeof txnDigest>
