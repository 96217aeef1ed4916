/**
 * What Apache's server found when it replayed a log: the digest of its tree after every 128th
 * transaction, and whether any transaction left another tree than the writer said.
 */
import { askWord } from '../../test/support/ask-word.ts'
import type { ServerUnderTest } from './server-under-test.ts'
import { loggedDigests } from './transaction-log.ts'

export interface ReplayedDigests {
  /** Digests by zxid, as the server remembers them; refused requests have none. */
  readonly found: ReadonlyMap<string, string>
  /** What the writers of the logs say about the same transactions. */
  readonly logged: ReadonlyMap<string, string>
  readonly complaints: readonly string[]
}

export async function replayedDigests(apache: ServerUnderTest): Promise<ReplayedDigests> {
  const text = await askWord(apache.port, 'hash')
  const lines = [...text.matchAll(/^([0-9a-f]+): (-?\d+)$/gm)]
  const remembered = lines.map(([, zxid = '', digest = '']) => [zxid, unsigned(digest)] as const)
  const written = loggedDigests(apache.dataLogDir)
  const found = new Map(remembered.filter(([zxid]) => written.has(zxid)))
  return {
    found,
    logged: new Map([...written].filter(([zxid]) => found.has(zxid))),
    complaints: apache
      .output()
      .split('\n')
      .filter((line) => /digest/i.test(line)),
  }
}

/** Java shows a digest beyond 2^63 as a negative number. */
function unsigned(digest: string): string {
  return BigInt.asUintN(64, BigInt(digest)).toString()
}
