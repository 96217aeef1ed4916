/**
 * The founding scene: several processes, of which exactly one may act. A server and two masters run
 * as processes of their own; one master is killed, one is suspended until its session is over. Each
 * step is checked by reading the tree; if one does not happen, the exit status says so.
 *
 *   npm run demo
 *   npm run demo -- --ensemble    on three servers, of which the leading one is killed in the middle
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ZooKeeper, connect } from '../src/client/index.ts'
import { commandLine } from '../test/support/command-line.ts'
import {
  type Candidate,
  STEP_MS_MAX,
  candidates,
  entriesRise,
  journalGoesOn,
  nodeIsGone,
  nodeOf,
  nothingMoved,
  readJournal,
  reignsWere,
  require,
  writesArrive,
} from './checks.ts'
import { JOURNAL, MASTERS, MASTER_PREFIX, TICK_MS } from './scene.ts'
import { Servers } from './servers.ts'
import { Master, Timeline, print } from './stage.ts'

const SERVERS_OF_AN_ENSEMBLE = 3

const { ensemble } = commandLine('demo')
  .option('--ensemble', 'on three servers, of which the leading one is killed', false)
  .parse()
  .opts<{ ensemble: boolean }>()
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
  print('the wrong one: not when a master dies, and not when a dead-looking one wakes up.')
  if (ensemble) print('Nor when it is a server that dies: there are three of them.')
  print('')
  await using servers = await Servers.start(
    ensemble ? SERVERS_OF_AN_ENSEMBLE : 1,
    directory,
    timeline,
  )
  const { target } = servers
  await using zk = await connect(target, { tickTime: TICK_MS, timeout: STEP_MS_MAX })
  if (ensemble) timeline.line('servers', `serve on ${target}; ${await servers.leader()} leads them`)
  else timeline.line('server', `serves on ${target}`)
  timeline.line('', 'a master that is silent for 2 s is given up')
  await zk.create(JOURNAL)
  await zk.create(MASTERS)
  // The first number of a directory is 0; it is used up here, so that people can count from 1.
  const { path } = await zk.create(`${MASTERS}/${MASTER_PREFIX}`, '', { sequential: true })
  await zk.delete(path)

  timeline.step('A and B register. The smaller number leads, the other one waits.')
  await using a = new Master('A', target, timeline)
  const [firstA] = await candidates(zk, ['A Master0000000001'])
  await using b = new Master('B', target, timeline)
  const [, firstB] = await candidates(zk, ['A Master0000000001', 'B Master0000000002'])
  await writesArrive(zk, firstA!)
  timeline.seen(`in the tree: ${nodeOf(firstA!)} leads, ${nodeOf(firstB!)} stands by`)

  timeline.step('A is killed. Its node goes with its session, and B leads.')
  a.signal('SIGKILL')
  timeline.line('A', 'is KILLED (SIGKILL)')
  await candidates(zk, ['B Master0000000002'])
  await writesArrive(zk, firstB!)
  await nodeIsGone(zk, firstA!)
  timeline.seen(`in the tree: ${firstA!.node} is gone, ${nodeOf(firstB!)} leads`)

  timeline.step('A starts again. It gets the next number, and stands by.')
  await using secondA = new Master('A', target, timeline)
  const [, again] = await candidates(zk, ['B Master0000000002', 'A Master0000000003'])
  await entriesRise(zk)
  timeline.seen(`in the tree: ${nodeOf(firstB!)} leads, ${nodeOf(again!)} stands by`)

  if (ensemble) await killTheLeadingServer(servers, zk, [firstB!, again!])

  timeline.step('B is suspended for longer than its session. It does not know; A leads.')
  b.signal('SIGSTOP')
  timeline.line('B', 'is SUSPENDED (SIGSTOP), in the belief that it leads')
  await candidates(zk, ['A Master0000000003'])
  await writesArrive(zk, again!)
  await nodeIsGone(zk, firstB!)
  timeline.seen(`in the tree: ${firstB!.node} is gone, ${nodeOf(again!)} leads`)

  timeline.step('B is continued and acts as master at once. Its guard refuses the write.')
  const told = b.news.length
  b.signal('SIGCONT')
  timeline.line('B', 'is CONTINUED (SIGCONT)')
  await candidates(zk, ['A Master0000000003', 'B Master0000000004'])
  const deeds = b.news.slice(told).map((news) => news.what)
  // Where it stood still in the middle of a write, it does not see that time is missing.
  const acts = deeds.filter((deed) => deed !== 'continues')
  require(acts.join() ===
    'refused,steps down', `B did this when it was continued: ${deeds.join(', ') || 'nothing'}`)
  await writesArrive(zk, again!)
  await reignsWere(zk, [firstA!, firstB!, again!])
  timeline.seen(`in the tree: ${nodeOf(again!)} leads, B stands by as ${MASTER_PREFIX}0000000004`)
  timeline.seen('in the journal: A, then B, then A again; no write of B after the first of A')
  require(secondA.child.exitCode === null, 'A ended before the scene did')
  servers.checkAlive()
}

/** Of the masters nobody is to notice more than a pause: B goes on leading, with the same token. */
async function killTheLeadingServer(
  servers: Servers,
  zk: ZooKeeper,
  standing: readonly [leading: Candidate, waiting: Candidate],
): Promise<void> {
  timeline.step('The server that leads the others is killed. Another one leads; B goes on.')
  const killed = await servers.leader()
  const before = await readJournal(zk)
  servers.kill(killed)
  const next = await servers.leader()
  require(next !== killed, `${next} still leads`)
  timeline.line(next, 'LEADS the other one now')
  const meanwhile = await journalGoesOn(zk, before)
  await journalGoesOn(zk, meanwhile)
  await writesArrive(zk, standing[0])
  await nothingMoved(zk, standing)
  await entriesRise(zk)
  timeline.seen(`in the tree: ${nodeOf(standing[0])} leads as before, ${standing[1].id} stands by`)
  timeline.seen(`in the journal: all ${before.length} entries from before, and new ones by B`)

  timeline.step('The killed server starts again. It follows, and catches up.')
  await servers.startAgain(killed)
  await servers.follows(killed)
  await using itsClient = await connect(servers.targetOf(killed), { tickTime: TICK_MS })
  const known = await readJournal(zk)
  await itsClient.sync('/')
  await journalGoesOn(itsClient, known)
  await nothingMoved(itsClient, standing)
  timeline.seen(`in the tree of ${killed}: the same masters, and the whole journal`)
}
