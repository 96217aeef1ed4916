// What the founding scene holds against the tree: who stands in the election, who has written what.
// Each check waits until it is so, or says what it found instead.

import { setTimeout as sleep } from 'node:timers/promises'
import type { ZooKeeper } from '../src/client/index.ts'
import { JOURNAL, MASTERS } from './scene.ts'
import { tokenText } from './stage.ts'

export const STEP_MS_MAX = 20_000
const LOOK_EVERY_MS = 20

/** A place in the election, as it stands in the tree. */
export interface Candidate {
  readonly node: string
  readonly id: string
  readonly session: bigint
  /** The change that made the node: it rises from candidate to candidate, so it is the fencing token. */
  readonly token: number
}

export interface Entry {
  readonly by: string
  readonly token: number
}

/** Waits until exactly these candidates stand in the tree, in the order of their numbers. */
export async function candidates(zk: ZooKeeper, expected: readonly string[]): Promise<Candidate[]> {
  const textOf = (found: readonly Candidate[]): string =>
    found.map(({ id, node }) => `${id} ${node}`).join(', ')
  return waitFor(
    () => readCandidates(zk),
    (found) => textOf(found) === expected.join(', '),
    (found) => `expected ${expected.join(', ')} below ${MASTERS}; there is: ${textOf(found)}`,
  )
}

async function readCandidates(zk: ZooKeeper): Promise<Candidate[]> {
  const { children } = await zk.getChildren(MASTERS)
  const found: Candidate[] = []
  for (const node of [...children].sort()) {
    const content = await zk.getData(`${MASTERS}/${node}`).catch(() => null)
    if (content === null) continue
    const { id } = JSON.parse(new TextDecoder().decode(content.data)) as { id: string }
    const { ephemeralOwner: session, czxid: token } = content.stat
    found.push({ node, id, session, token })
  }
  return found
}

/** The journal's last entry is by this one, with its token. */
export async function writesArrive(zk: ZooKeeper, leader: Candidate): Promise<void> {
  await waitFor(
    () => readJournal(zk),
    (entries) => entries.at(-1)?.by === leader.id && entries.at(-1)?.token === leader.token,
    (entries) =>
      `expected writes by ${nodeOf(leader)}; the last is ${JSON.stringify(entries.at(-1))}`,
  )
}

export async function readJournal(zk: ZooKeeper): Promise<Entry[]> {
  const { children } = await zk.getChildren(JOURNAL)
  const names = [...children].sort()
  const contents = await Promise.all(names.map((name) => zk.getData(`${JOURNAL}/${name}`)))
  return contents.map(({ data }) => JSON.parse(new TextDecoder().decode(data)) as Entry)
}

export async function entriesRise(zk: ZooKeeper): Promise<Entry[]> {
  const entries = await readJournal(zk)
  const falls = entries.findIndex((entry, at) => at > 0 && entry.token < entries[at - 1]!.token)
  require(falls < 0, `the journal's entry ${falls} has a lower token than the one before it`)
  return entries
}

/** In the whole journal, each of these has written once in a row, in this order, and nobody else. */
export async function reignsWere(zk: ZooKeeper, leaders: readonly Candidate[]): Promise<void> {
  const entries = await entriesRise(zk)
  const reigns = entries
    .map(({ by, token }) => `${by} ${tokenText(token)}`)
    .filter((reign, at, all) => reign !== all[at - 1])
  const expected = leaders.map(({ id, token }) => `${id} ${tokenText(token)}`)
  require(reigns.join() ===
    expected.join(), `the journal shows ${reigns.join(', ')} instead of ${expected.join(', ')}`)
}

export async function nodeIsGone(zk: ZooKeeper, candidate: Candidate): Promise<void> {
  const stat = await zk.exists(`${MASTERS}/${candidate.node}`)
  require(stat === null, `${candidate.node} is still there`)
}

export function nodeOf({ id, node, token }: Candidate): string {
  return `${id} (${node}, token ${tokenText(token)})`
}

export async function waitFor<T>(
  look: () => Promise<T>,
  isIt: (found: T) => boolean,
  complaint: (found: T) => string,
): Promise<T> {
  const until = performance.now() + STEP_MS_MAX
  for (;;) {
    const found = await look()
    if (isIt(found)) return found
    require(performance.now() < until, complaint(found))
    await sleep(LOOK_EVERY_MS)
  }
}

export function require(ok: boolean, complaint: string): asserts ok {
  if (!ok) throw new Error(complaint)
}

/** These candidates stand as they stood: the same nodes of the same sessions, so the same tokens. */
export async function nothingMoved(zk: ZooKeeper, before: readonly Candidate[]): Promise<void> {
  const textOf = ({ id, node, session, token }: Candidate): string =>
    `${id} ${node} of session 0x${session.toString(16)} with token ${tokenText(token)}`
  const now = await candidates(
    zk,
    before.map(({ id, node }) => `${id} ${node}`),
  )
  const [was, is] = [before.map(textOf).join(', '), now.map(textOf).join(', ')]
  require(is === was, `there were ${was}; now there are ${is}`)
}

/** The journal begins with what stood in it, and has grown since. */
export async function journalGoesOn(zk: ZooKeeper, before: readonly Entry[]): Promise<Entry[]> {
  const now = await waitFor(
    () => readJournal(zk),
    (entries) => entries.length > before.length,
    (entries) => `the journal had ${before.length} entries and has ${entries.length}`,
  )
  const lost = before.findIndex(
    ({ by, token }, at) => now[at]?.by !== by || now[at].token !== token,
  )
  require(lost < 0, `entry ${lost} of the journal is lost`)
  return now
}
