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
import { Option } from 'commander'
import { wholeNumber } from '../src/cli/whole-number.ts'
import { commandLine, seconds } from '../test/support/command-line.ts'
import { churn, fill, pauseUnderSnapshot } from './large-tree.ts'
import { ENSEMBLE_FIGURES, ensembleThroughput, failovers, wipedMembers } from './ensemble.ts'
import { type Player, type Target, findPlayer } from './load.ts'
import { listenerOf, residentBytes } from './process-facts.ts'
import { Report } from './report.ts'
import { compare, median } from './throughput.ts'
import { WORKLOADS } from './workloads.ts'
import { Home, ZabraServer } from './zabra-server.ts'

interface Values {
  readonly beside?: string
  readonly seconds: number
  readonly warm: number
  readonly rounds: number
  readonly nodes: number
  readonly times: number
  readonly pairs: number
  readonly player: Player['kind']
  readonly json: boolean
}

const LARGE_FIGURES = ['resident', 'pause', 'start', 'churn'] as const
const NAMES: readonly string[] = [
  ...new Set(WORKLOADS.map((workload) => workload.name)),
  ...LARGE_FIGURES,
  ...ENSEMBLE_FIGURES,
]

const program = commandLine('bench')
  .argument('[figures...]', NAMES.join(' '))
  .option(
    '--beside <servers>',
    'HOST:PORT,…, or what to start for figures of ensembles: apache, bare',
  )
  .option('--seconds <n>', 'of each measurement', seconds(0.1), 4)
  .option('--warm <n>', 'seconds before each measurement', seconds(0), 2)
  .option('--rounds <n>', 'measurements of each load', wholeNumber(1, 1_000), 3)
  .option('--nodes <n>', 'of a large tree', wholeNumber(1, 100_000_000), 1_000_000)
  .option('--times <n>', 'that a leader is killed', wholeNumber(1, 10_000), 5)
  .option('--pairs <n>', 'of create and delete', wholeNumber(1, 1_000_000_000), 10_000_000)
  .addOption(
    new Option('--player <kind>', 'who makes the load').choices(['c', 'node']).default('c'),
  )
  .option('--json', 'one JSON line a figure', false)
  .parse()
const values = program.opts<Values>()
const positionals = program.args
const unknown = positionals.filter((name) => !NAMES.includes(name))
if (unknown.length > 0) {
  refuse(`no figure is called ${unknown.join(', ')}; there are: ${NAMES.join(' ')}`)
}

const wants = (name: string): boolean => positionals.length === 0 || positionals.includes(name)
const besides = parseBeside(values.beside)
const isOfEnsembles = ENSEMBLE_FIGURES.some((name) => positionals.includes(name))
if (typeof besides === 'string' && !isOfEnsembles) {
  refuse(`--beside ${besides} is for the figures of ensembles`)
}
const effort = {
  rounds: values.rounds,
  measureMs: values.seconds * 1_000,
  warmMs: values.warm * 1_000,
}
const { nodes } = values
const player = findPlayer(values.player)
const report = new Report(values.json)

report.note(
  `Node ${process.version}, ${availableParallelism()} processors, load from ` +
    (player.kind === 'c'
      ? 'player.c'
      : 'player.ts (slower than a fast server: a C compiler makes the figures true)'),
)
if (isOfEnsembles) {
  await ensembles()
  process.exit(0)
}
const beside = typeof besides === 'string' ? null : (besides?.[0] ?? null)
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
  if (positionals.includes('failover')) await failovers(besides, values.times, report)
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
  const { pairs } = values
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
    refuse(`--beside wants IPv4 addresses with ports, not ${text}`)
  }
  return { host, port: Number(port) }
}

function refuse(why: string): never {
  return program.error(`error: ${why}`)
}
