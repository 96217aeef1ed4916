/**
 * How fast, how large, how long: figures of a Zabra server, alone or beside another server that
 * speaks the same protocol. It prints; nothing here passes or fails.
 *
 *   npm run bench                                      everything about one server
 *   npm run bench -- get set --seconds 1               some loads, quickly
 *   npm run bench -- --beside 127.0.0.1:2181           the same on both, and the ratios
 *   npm run bench -- resident pause start churn        the figures of large trees
 *   npm run bench -- ensemble --beside apache          three servers, beside three of Apache's
 *   npm run bench -- ensemble set --beside bare        beside three processes that only pass bytes on
 *   npm run bench -- ensemble set --beside H:P,H:P,H:P some loads, beside servers that run already
 *   npm run bench -- failover --times 11               the leader killed: how long nobody can write
 *   npm run bench -- wiped-member --nodes 1000000      one of five comes back with nothing
 *   npm run bench -- --json                            one JSON line a figure
 */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { churn, fill, pauseUnderSnapshot } from './large-tree.ts'
import { ENSEMBLE_FIGURES, ensembleThroughput, failovers, wipedMembers } from './ensemble.ts'
import { type Player, type Target, findPlayer } from './load.ts'
import { listenerOf, residentBytes } from './process-facts.ts'
import { Report } from './report.ts'
import { compare, median } from './throughput.ts'
import { WORKLOADS } from './workloads.ts'
import { Home, ZabraServer } from './zabra-server.ts'

const LARGE_FIGURES = ['resident', 'pause', 'start', 'churn'] as const
const NAMES: readonly string[] = [
  ...new Set(WORKLOADS.map((workload) => workload.name)),
  ...LARGE_FIGURES,
  ...ENSEMBLE_FIGURES,
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    beside: { type: 'string' },
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    warm: { type: 'string', default: '2' },
    nodes: { type: 'string', default: '1000000' },
    times: { type: 'string', default: '5' },
    pairs: { type: 'string', default: '10000000' },
    player: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !NAMES.includes(name))
if (unknown.length > 0) {
  console.error(`bench: no figure is called ${unknown.join(', ')}; there are: ${NAMES.join(' ')}`)
  process.exit(2)
}

const wants = (name: string): boolean => positionals.length === 0 || positionals.includes(name)
const besides = parseBeside(values.beside)
const effort = {
  rounds: Number(values.rounds),
  measureMs: Number(values.seconds) * 1_000,
  warmMs: Number(values.warm) * 1_000,
}
const nodes = Number(values.nodes)
const player: Player = values.player === 'node' ? findPlayer('node') : findPlayer('c')
const report = new Report(values.json)

report.note(
  `Node ${process.version}, ${availableParallelism()} processors, load from ` +
    (player.kind === 'c'
      ? 'player.c'
      : 'player.ts (slower than a fast server: a C compiler makes the figures true)'),
)
if (ENSEMBLE_FIGURES.some((name) => positionals.includes(name))) {
  await ensembles()
  process.exit(0)
}
if (typeof besides === 'string') fail(`--beside ${besides} is for the figures of ensembles`)
const beside = besides?.[0] ?? null
await throughput()
if (wants('start')) await startEmpty()
if (LARGE_FIGURES.slice(0, 3).some(wants)) await largeTree()
if (wants('churn')) await endlessChurn()

/** Each has servers of its own. */
async function ensembles(): Promise<void> {
  if (positionals.includes('ensemble')) {
    const loads = positionals.filter((name) => WORKLOADS.some((load) => load.name === name))
    await ensembleThroughput(player, besides, effort, loads, report)
  }
  if (positionals.includes('failover')) await failovers(besides, Number(values.times), report)
  if (positionals.includes('wiped-member')) await wipedMembers(player, besides, nodes, report)
}

async function throughput(): Promise<void> {
  const chosen = WORKLOADS.filter((workload) => wants(workload.name))
  if (chosen.length === 0) return
  using home = new Home()
  await using zabra = await ZabraServer.start(home)
  report.throughputHead(beside !== null)
  for (const workload of chosen) {
    report.throughput(await compare(player, workload, zabra, beside, effort))
  }
  report.throughputEnd()
  await zabra.stop()
}

async function startEmpty(): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < effort.rounds; round++) {
    using home = new Home()
    await using server = await ZabraServer.start(home)
    times.push(server.startMs)
    await server.stop()
  }
  report.figure('start, empty', { ms: median(times, Number) }, null)
}

/** One tree for three figures: it takes a while to grow. */
async function largeTree(): Promise<void> {
  using home = new Home()
  {
    const pauseFile = join(home.path, 'pauses')
    await using zabra = await ZabraServer.start(home, [], probed(pauseFile))
    const other = beside === null ? null : await filledBeside(beside)
    const emptyBytes = residentBytes(zabra.pid)
    const filled = await fill(player, zabra, nodes)
    const fullBytes = residentBytes(zabra.pid)
    if (wants('resident')) {
      report.figure(
        `resident, ${nodes} nodes`,
        perNode(emptyBytes, fullBytes),
        other === null ? null : perNode(other.emptyBytes, other.fullBytes),
      )
    }
    if (wants('pause')) {
      const measureMs = Math.max(effort.measureMs, nodes / 100)
      const { dataDirectory } = home
      const own = await pauseUnderSnapshot(player, zabra, filled, measureMs, {
        pid: zabra.pid,
        pauseFile,
        dataDirectory,
      })
      const counterpart =
        other === null || beside === null
          ? null
          : await pauseUnderSnapshot(player, beside, other.filled, measureMs, null)
      const waits = (pause: typeof own) => ({
        ...(pause.longestTurnMs === null ? {} : { longestTurnMs: pause.longestTurnMs }),
        longestAnswerMs: pause.load.maxUs / 1_000,
        p999Ms: pause.load.p999Us / 1_000,
        setsPerSecond: pause.load.perSecond,
        ...(pause.snapshotCount === null ? {} : { snapshots: pause.snapshotCount }),
      })
      report.figure(
        'pause while a snapshot is written',
        waits(own),
        counterpart && waits(counterpart),
      )
    }
    await zabra.stop()
  }
  if (!wants('start')) return
  const times: number[] = []
  for (let round = 0; round < effort.rounds; round++) {
    await using server = await ZabraServer.start(home)
    times.push(server.startMs)
    await server.stop()
  }
  report.figure(`start, ${nodes} nodes`, { ms: median(times, Number) }, null)
}

async function filledBeside(target: Target) {
  const pid = listenerOf(target.port)
  const emptyBytes = pid === null ? null : residentBytes(pid)
  const filled = await fill(player, target, nodes)
  return { filled, emptyBytes, fullBytes: pid === null ? null : residentBytes(pid) }
}

function perNode(
  emptyBytes: number | null,
  fullBytes: number | null,
): Readonly<Record<string, number>> {
  if (emptyBytes === null || fullBytes === null) return {}
  return {
    // What the nodes added, and what the whole process has; a server that has run before has room.
    addedPerNode: (fullBytes - emptyBytes) / nodes,
    residentPerNode: fullBytes / nodes,
    emptyMiB: emptyBytes / 2 ** 20,
    fullMiB: fullBytes / 2 ** 20,
  }
}

async function endlessChurn(): Promise<void> {
  using home = new Home()
  await using zabra = await ZabraServer.start(home)
  const pairs = Number(values.pairs)
  const own = await churn(player, zabra, zabra.pid, pairs, (bytes) => report.progress(bytes))
  const otherPid = beside === null ? null : listenerOf(beside.port)
  const other =
    beside === null || otherPid === null
      ? null
      : await churn(player, beside, otherPid, pairs, (bytes) => report.progress(bytes))
  const memory = (result: typeof own) => ({
    earlyMiB: result.earlyBytes / 2 ** 20,
    lateMiB: result.lateBytes / 2 ** 20,
    maxMiB: result.maxBytes / 2 ** 20,
    pairsPerSecond: result.perSecond,
  })
  report.figure(`churn, ${pairs} pairs`, memory(own), other && memory(other))
  await zabra.stop()
}

/** The environment of a server whose pauses are looked at from within. */
function probed(pauseFile: string): Readonly<Record<string, string>> {
  const probe = join(import.meta.dirname, 'pause-probe.js')
  return { NODE_OPTIONS: `--import ${probe}`, ZABRA_PAUSE_FILE: pauseFile }
}

function parseBeside(text: string | undefined): readonly Target[] | 'apache' | 'bare' | null {
  if (text === undefined || text === 'apache' || text === 'bare') return text ?? null
  return text.split(',').map(parseTarget)
}

function parseTarget(text: string): Target {
  const [host = '', port] = text.split(':')
  if (!/^\d+(\.\d+){3}$/.test(host) || !(Number(port) > 0)) {
    fail(`--beside wants IPv4 addresses with ports, not ${text}`)
  }
  return { host, port: Number(port) }
}

function fail(why: string): never {
  console.error(`bench: ${why}`)
  process.exit(2)
}
