/**
 * Reads transaction logs, whoever wrote them: the bytes of each transaction, and what the writer
 * says the tree was after it. Knows the frame of a record and where its digest stands, nothing of
 * what the record does.
 *
 *   file:    "ZKLG" | i32 version | i64 dbid | records
 *   record:  i64 Adler-32 | i32 length | transaction | 'B'
 *   transaction:  i64 session | i32 cxid | i64 zxid | ... | i32 digest version | i64 digest
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const fileHeaderBytes = 16
const recordHeaderBytes = 12
const digestBytes = 12
const zxidOffset = 12
const digestVersion = 2

/** Digests as unsigned decimal text, by zxid in hexadecimal: the form of the word `hash`. */
export function loggedDigests(dataDir: string): Map<string, string> {
  const digests = new Map<string, string>()
  for (const [zxid, transaction] of loggedTransactions(dataDir)) {
    const at = transaction.length - digestBytes
    if (transaction.readInt32BE(at) !== digestVersion) continue
    digests.set(zxid.toString(16), transaction.readBigUInt64BE(at + 4).toString())
  }
  return digests
}

/** Everything that the logs of a server hold, by zxid, in the order of the files. */
export function loggedTransactions(dataDir: string): Map<bigint, Buffer> {
  const directory = join(dataDir, 'version-2')
  const names = readdirSync(directory)
    .filter((name) => /^log\.[0-9a-f]+$/.test(name))
    .sort((a, b) => Number.parseInt(a.slice(4), 16) - Number.parseInt(b.slice(4), 16))
  return new Map(names.flatMap((name) => transactionsIn(readFileSync(join(directory, name)))))
}

function transactionsIn(log: Buffer): [zxid: bigint, transaction: Buffer][] {
  const transactions: [bigint, Buffer][] = []
  let at = fileHeaderBytes
  while (at + recordHeaderBytes <= log.length) {
    const length = log.readInt32BE(at + 8)
    // Zeros are the space that was allocated and never used.
    if (length === 0) break
    const start = at + recordHeaderBytes
    const end = start + length
    // The server may be writing this very record.
    if (end >= log.length) break
    transactions.push([log.readBigUInt64BE(start + zxidOffset), log.subarray(start, end)])
    at = end + 1
  }
  return transactions
}
