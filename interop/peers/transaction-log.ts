/**
 * Reads the digests out of transaction logs, whoever wrote them: what the writer says the tree was
 * after each transaction. Knows the frame of a record and where its digest stands, nothing of what
 * the record does.
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
  const directory = join(dataDir, 'version-2')
  const names = readdirSync(directory).filter((name) => /^log\.[0-9a-f]+$/.test(name))
  return new Map(names.flatMap((name) => digestsIn(readFileSync(join(directory, name)))))
}

function digestsIn(log: Buffer): [zxid: string, digest: string][] {
  const digests: [string, string][] = []
  let at = fileHeaderBytes
  while (at + recordHeaderBytes <= log.length) {
    const length = log.readInt32BE(at + 8)
    // Zeros are the space that was allocated and never used.
    if (length === 0) break
    const end = at + recordHeaderBytes + length
    const zxid = log.readBigUInt64BE(at + recordHeaderBytes + zxidOffset)
    if (log.readInt32BE(end - digestBytes) === digestVersion) {
      const digest = log.readBigUInt64BE(end - digestBytes + 4)
      digests.push([zxid.toString(16), digest.toString()])
    }
    at = end + 1
  }
  return digests
}
