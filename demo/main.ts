/**
 * The founding scene: several processes, of which exactly one may act. A server and two masters run
 * as processes of their own; one master is killed, one is suspended until its session is over. Each
 * step is checked by reading the tree; if one does not happen, the exit status says so.
 *
 *   npm run demo
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ZooKeeper, connect } from '../src/client/index.ts'
import { JOURNAL, MASTERS, MASTER_PREFIX, OFFICE_SESSION_MS, TICK_MS } from './scene.ts'
import { Master, Server, Timeline, print, tokenText } from './stage.ts'

const STEP_MS_MAX = 20_000
const LOOK_EVERY_MS = 20

/** A place in the election, as it stands in the tree. */
interface Candidate {
  readonly node: string
  readonly id: string
  readonly session: bigint
  /** The change that made the node: it rises from candidate to candidate, so it is the fencing token. */
  readonly token: number
}

interface Entry {
  readonly by: string
  readonly token: number
}

const timeline = new Timeline()
const directory = mkdtempSync(join(tmpdir(), 'zabra-demo-'))
try {
  await play()
  print(`\nEvery step happened, in ${timeline.seconds.toFixed(1)} s.`)
} catch (error) {
  print(`\nThe scene went wrong: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  rmSync(directory, { recursive: true, force: true })
}

async function play(): Promise<void> {
  print('Two masters, A and B. Exactly one of them may act at any time, and it must never be')
  print('the wrong one: not when a master dies, and not when a dead-looking one wakes up.\n')
  const port = await freePort()
  const target = `127.0.0.1:${port}`
  await using _server = new Server(directory, writeConfiguration(port))
  await using zk = await connect(target, { tickTime: TICK_MS, timeout: STEP_MS_MAX })
  timeline.line('server', `serves on ${target}; a master that is silent for 2 s is given up`)
  await zk.create(JOURNAL)
  await zk.create(MASTERS)
  // The first number of a directory is 0; it is used up here, so that people can count from 1.
  const { path } = await zk.create(`${MASTERS}/${MASTER_PREFIX}`, '', { sequential: true })
  await zk.delete(path)

  timeline.step(1, 'A and B register. The smaller number leads, the other one waits.')
  await using a = new Master('A', target, timeline)
  const [firstA] = await candidates(zk, ['A Master0000000001'])
  await using b = new Master('B', target, timeline)
  const [, firstB] = await candidates(zk, ['A Master0000000001', 'B Master0000000002'])
  await writesArrive(zk, firstA!)
  timeline.seen(`in the tree: ${nodeOf(firstA!)} leads, ${nodeOf(firstB!)} stands by`)

  timeline.step(2, 'A is killed. Its node goes with its session, and B leads.')
  a.signal('SIGKILL')
  timeline.line('A', 'is KILLED (SIGKILL)')
  await candidates(zk, ['B Master0000000002'])
  await writesArrive(zk, firstB!)
  await nodeIsGone(zk, firstA!)
  timeline.seen(`in the tree: ${firstA!.node} is gone, ${nodeOf(firstB!)} leads`)

  timeline.step(3, 'A starts again. It gets the next number, and stands by.')
  await using secondA = new Master('A', target, timeline)
  const [, again] = await candidates(zk, ['B Master0000000002', 'A Master0000000003'])
  await entriesRise(zk)
  timeline.seen(`in the tree: ${nodeOf(firstB!)} leads, ${nodeOf(again!)} stands by`)

  timeline.step(4, 'B is suspended for longer than its session. It does not know; A leads.')
  b.signal('SIGSTOP')
  timeline.line('B', 'is SUSPENDED (SIGSTOP), in the belief that it leads')
  await candidates(zk, ['A Master0000000003'])
  await writesArrive(zk, again!)
  await nodeIsGone(zk, firstB!)
  timeline.seen(`in the tree: ${firstB!.node} is gone, ${nodeOf(again!)} leads`)

  timeline.step(5, 'B is continued and acts as master at once. Its guard refuses the write.')
  const told = b.news.length
  b.signal('SIGCONT')
  timeline.line('B', 'is CONTINUED (SIGCONT)')
  await candidates(zk, ['A Master0000000003', 'B Master0000000004'])
  const deeds = b.news.slice(told).map((news) => news.what)
  require(deeds.join() ===
    'continues,refused,steps down', `B did this when it was continued: ${deeds.join(', ') || 'nothing'}`)
  await writesArrive(zk, again!)
  await reignsWere(zk, [firstA!, firstB!, again!])
  timeline.seen(`in the tree: ${nodeOf(again!)} leads, B stands by as ${MASTER_PREFIX}0000000004`)
  timeline.seen('in the journal: A, then B, then A again; no write of B after the first of A')
  require(secondA.child.exitCode === null, 'A ended before the scene did')
}

/** Waits until exactly these candidates stand in the tree, in the order of their numbers. */
async function candidates(zk: ZooKeeper, expected: readonly string[]): Promise<Candidate[]> {
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
async function writesArrive(zk: ZooKeeper, leader: Candidate): Promise<void> {
  await waitFor(
    () => readJournal(zk),
    (entries) => entries.at(-1)?.by === leader.id && entries.at(-1)?.token === leader.token,
    (entries) =>
      `expected writes by ${nodeOf(leader)}; the last is ${JSON.stringify(entries.at(-1))}`,
  )
}

async function readJournal(zk: ZooKeeper): Promise<Entry[]> {
  const { children } = await zk.getChildren(JOURNAL)
  const names = [...children].sort()
  const contents = await Promise.all(names.map((name) => zk.getData(`${JOURNAL}/${name}`)))
  return contents.map(({ data }) => JSON.parse(new TextDecoder().decode(data)) as Entry)
}

async function entriesRise(zk: ZooKeeper): Promise<Entry[]> {
  const entries = await readJournal(zk)
  const falls = entries.findIndex((entry, at) => at > 0 && entry.token < entries[at - 1]!.token)
  require(falls < 0, `the journal's entry ${falls} has a lower token than the one before it`)
  return entries
}

/** In the whole journal, each of these has written once in a row, in this order, and nobody else. */
async function reignsWere(zk: ZooKeeper, leaders: readonly Candidate[]): Promise<void> {
  const entries = await entriesRise(zk)
  const reigns = entries
    .map(({ by, token }) => `${by} ${tokenText(token)}`)
    .filter((reign, at, all) => reign !== all[at - 1])
  const expected = leaders.map(({ id, token }) => `${id} ${tokenText(token)}`)
  require(reigns.join() ===
    expected.join(), `the journal shows ${reigns.join(', ')} instead of ${expected.join(', ')}`)
}

async function nodeIsGone(zk: ZooKeeper, candidate: Candidate): Promise<void> {
  const stat = await zk.exists(`${MASTERS}/${candidate.node}`)
  require(stat === null, `${candidate.node} is still there`)
}

function nodeOf({ id, node, token }: Candidate): string {
  return `${id} (${node}, token ${tokenText(token)})`
}

async function waitFor<T>(
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

function require(ok: boolean, complaint: string): asserts ok {
  if (!ok) throw new Error(complaint)
}

function writeConfiguration(port: number): string {
  const file = join(directory, 'zoo.cfg')
  const lines = [
    `tickTime=${TICK_MS}`,
    `minSessionTimeout=${OFFICE_SESSION_MS}`,
    'maxSessionTimeout=60000',
    'dataDir=./data',
    'clientPortAddress=127.0.0.1',
    `clientPort=${port}`,
  ]
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''))
  return file
}

/** One that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
