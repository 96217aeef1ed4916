/**
 * Whether the members of an ensemble have become the same: what clients see at each of them, the
 * transactions in their logs byte for byte, and the digests of their trees after each of those.
 * Refuses to know which programs they are.
 */
import { expect } from 'vitest'
import { type Ensemble, eventually, type Member } from './ensemble.ts'
import { RawSession } from './raw-session.ts'
import { loggedTransactions } from './transaction-log.ts'
import { type WalkedNode, walkTree } from './tree-walk.ts'
import { opcode, WireWriter } from './wire.ts'

export interface Agreement {
  readonly nodes: ReadonlyMap<string, WalkedNode>
  /** How many transactions more than one server has kept. */
  readonly sharedTransactions: number
}

export interface AgreementOptions {
  /** Those that run, unless the test has started them otherwise. */
  readonly members?: readonly Member[]
  /**
   * A server that was given the whole database while others wrote: what it got may hold a little
   * more than its name says, and then its first digests are other than its leader's.
   */
  readonly joinedAmidWrites?: Member
}

export async function expectAgreement(
  ensemble: Ensemble,
  { members = ensemble.running, joinedAmidWrites }: AgreementOptions = {},
): Promise<Agreement> {
  return await ensemble.explained(async () => {
    for (const member of members) await flush(member)
    const trees = new Map<string, Map<string, WalkedNode>>()
    for (const member of members) trees.set(member.name, comparable(await walkTree(member.port)))
    const [first, ...others] = [...trees]
    if (first === undefined) throw new Error('no server runs')
    for (const [name, tree] of others) expect(tree, `${name} beside ${first[0]}`).toEqual(first[1])

    await expectNoMismatch(members.filter((member) => member !== joinedAmidWrites))
    return { nodes: first[1], sharedTransactions: await sameTransactions(members) }
  })
}

/** Brings a server up to what its leader has now. */
async function flush(member: Member): Promise<void> {
  await using session = await RawSession.open(member.port)
  await session.request(opcode.sync, new WireWriter().string('/'))
  await session.closeSession()
}

/** Every server writes down for itself when it came to know the configuration. */
function comparable(tree: Map<string, WalkedNode>): Map<string, WalkedNode> {
  const config = tree.get('/zookeeper/config')
  if (config === undefined) return tree
  const data = Buffer.from(config.data ?? '', 'base64').toString('utf8')
  // The order of the lines means nothing.
  const lines = data.split('\n').sort().join('\n')
  return tree.set(config.path, { ...config, data: lines, stat: { ...config.stat, mtime: 0n } })
}

async function expectNoMismatch(members: readonly Member[]): Promise<void> {
  for (const member of members) {
    const figures = await member.figures()
    expect(figures.get('digest_mismatches_count'), `digests at ${member.name}`).toBe('0')
  }
}

/** Followers log what their leader logs, so each transaction must be the same wherever it is. */
async function sameTransactions(members: readonly Member[]): Promise<number> {
  const logs = new Map<Member, Map<bigint, Buffer>>()
  await eventually('every log ends with the same transaction', () => {
    for (const member of members) logs.set(member, loggedTransactions(member.dataLogDir))
    const ends = [...logs.values()].map((log) => [...log.keys()].at(-1))
    return ends.every((end) => end === ends[0])
  })
  const seen = new Map<bigint, { readonly by: string; readonly bytes: string }>()
  const shared = new Set<bigint>()
  for (const [{ name }, log] of logs) {
    for (const [zxid, transaction] of log) {
      const bytes = settled(transaction).toString('hex')
      const other = seen.get(zxid)
      if (other === undefined) {
        seen.set(zxid, { by: name, bytes })
        continue
      }
      expect(bytes, `0x${zxid.toString(16)} at ${name} and ${other.by}`).toBe(other.bytes)
      shared.add(zxid)
    }
  }
  return shared.size
}

const typeOffset = 28
const multiType = 14
const errorType = -1

/**
 * A transaction as it is when it has been applied. Apache's server turns the parts of a failed
 * multi into errors when it applies it, which may be before or after it writes its log
 * (`DataTree.processTxn`): in logs they are either.
 */
function settled(transaction: Buffer): Buffer {
  if (transaction.readInt32BE(typeOffset) !== multiType) return transaction
  const copy = Buffer.from(transaction)
  const parts: number[] = []
  let at = typeOffset + 8
  for (let count = copy.readInt32BE(typeOffset + 4); count > 0; count--) {
    parts.push(at)
    at += 8 + copy.readInt32BE(at + 4)
  }
  if (!parts.some((part) => copy.readInt32BE(part) === errorType)) return copy
  for (const part of parts) copy.writeInt32BE(errorType, part)
  return copy
}
