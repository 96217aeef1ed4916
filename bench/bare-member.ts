/**
 * The least that a write through three servers costs on Node: one of three processes that take
 * requests, pass them to the highest of them, write them to disk, acknowledge, commit and answer,
 * each as soon as it can, and know nothing else: no records, no tree, no sessions. It is a measure
 * for one write at a time (docs/decisions/0015): many at once share messages in Zabra, not here.
 *
 *   npx tsx bench/bare-member.ts zoo.cfg
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { type Socket, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { NodeDisk } from '../src/io/disk/node-disk.ts'
import type { DiskFile } from '../src/ports/disk.ts'

/** Frames between members begin with their kind and the number of the write they are about. */
const Kind = { request: 1, proposal: 2, acknowledgement: 3, commit: 4 } as const
const HEAD_BYTES = 12
const LOG_BYTES = 64 << 20
const ZEROS_BYTES = 256 << 10
/** What a handshake is answered with: a time-out, a session and a password that say nothing. */
const SESSION = Buffer.alloc(4 + 37)
SESSION.writeInt32BE(37, 0)
SESSION.writeInt32BE(30_000, 8)
SESSION.writeInt32BE(16, 20)
/** Of an answer: its header, and what stands for a stat behind it. */
const ANSWER_BYTES = 16 + 68
const ANSWER_OFFSET = 4
const NO_BYTES = Buffer.alloc(0)

interface Write {
  readonly number: number
  /** Who asked, and over which connection. */
  readonly origin: number
  readonly connection: number
  readonly xid: number
}

/** Appends blocks to one file, one durable write at a time; what comes meanwhile shares the next. */
class Log {
  readonly #file: DiskFile
  #position = 0
  #waiting: { bytes: Buffer; done: () => void }[] = []
  #isBusy = false

  constructor(file: DiskFile) {
    this.#file = file
  }

  append(bytes: Buffer, done: () => void): void {
    this.#waiting.push({ bytes, done })
    if (!this.#isBusy) this.#write()
  }

  #write(): void {
    const batch = this.#waiting
    this.#waiting = []
    const bytes = batch.length === 1 ? batch[0]!.bytes : Buffer.concat(batch.map((it) => it.bytes))
    if (this.#position + bytes.length > LOG_BYTES) this.#position = 0
    this.#isBusy = true
    this.#file.write(this.#position, bytes, 'over-zeros', (error) => {
      if (error !== null) throw error
      this.#position += bytes.length
      this.#isBusy = false
      if (this.#waiting.length > 0) this.#write()
      for (const { done } of batch) done()
    })
  }
}

const configuration = readFileSync(process.argv[2] ?? '', 'utf8')
const value = (key: string): string =>
  new RegExp(`^${key.replace('.', '\\.')}=(.*)$`, 'm').exec(configuration)?.[1] ?? ''
const directory = value('dataDir')
const self = Number(readFileSync(join(directory, 'myid'), 'utf8'))
const leaderId = Math.max(...[...configuration.matchAll(/^server\.(\d+)=/gm)].map((it) => +it[1]!))
const leaderPort = Number(value(`server.${leaderId}`).split(':')[1])
const isLeader = self === leaderId

const clients = new Map<number, Socket>()
const log = new Log(await openLog())
let connectionCount = 0

// Leading: who follows, and which writes wait for a second disk.
const followers: Socket[] = []
const proposed: Write[] = []
const acknowledged: number[] = []
let writeCount = 0
let committed = 0

// Following: the leader, and which writes wait to be committed.
let leader: Socket | null = null
const awaited: Write[] = []

if (isLeader) {
  createServer({ noDelay: true }, (socket) => {
    followers.push(socket)
    onFrames(socket, (frame) => {
      if (frame.readInt32BE(0) === Kind.request) propose(frame)
      else acknowledge(frame.readInt32BE(4))
    })
  }).listen(leaderPort, '127.0.0.1')
} else {
  leader = await dialled(leaderPort)
  const link = leader
  onFrames(link, (frame) => {
    const number = frame.readInt32BE(4)
    if (frame.readInt32BE(0) === Kind.commit) return answer(awaited.shift()!)
    awaited.push(writeOf(frame, number))
    log.append(frame, () => link.write(head(Kind.acknowledgement, number)))
  })
}
createServer({ noDelay: true }, serve).listen(Number(value('clientPort')), '127.0.0.1')

function serve(socket: Socket): void {
  const connection = connectionCount++
  let hasSession = false
  clients.set(connection, socket)
  socket.on('close', () => clients.delete(connection))
  onFrames(socket, (frame, isWord) => {
    if (isWord) return socket.end(`Mode: ${isLeader ? 'leader' : 'follower'}\n`)
    if (!hasSession) {
      hasSession = true
      return socket.write(SESSION)
    }
    const request = Buffer.alloc(4 + HEAD_BYTES + 4 + frame.length)
    head(Kind.request, self).copy(request)
    request.writeInt32BE(request.length - 4, 0)
    request.writeInt32BE(connection, 12)
    frame.copy(request, 16)
    if (leader === null) propose(request.subarray(4))
    else leader.write(request)
  })
}

/** `request`: its kind, who asked, over which connection, and the client's frame. */
function propose(request: Buffer): void {
  const number = ++writeCount
  const frame = Buffer.alloc(4 + request.length + 4)
  frame.writeInt32BE(frame.length - 4, 0)
  frame.writeInt32BE(Kind.proposal, 4)
  frame.writeInt32BE(number, 8)
  request.copy(frame, 12, 4)
  proposed.push(writeOf(frame.subarray(4), number))
  acknowledged.push(0)
  log.append(frame, () => acknowledge(number))
  for (const follower of followers) follower.write(frame)
}

function acknowledge(number: number): void {
  const at = number - committed - 1
  // The third disk has it too.
  if (at < 0) return
  acknowledged[at]!++
  while (proposed.length > 0 && acknowledged[0]! >= 2) {
    acknowledged.shift()
    const write = proposed.shift()!
    committed = write.number
    for (const follower of followers) follower.write(head(Kind.commit, write.number))
    answer(write)
  }
}

function answer({ origin, connection, xid }: Write): void {
  if (origin !== self) return
  const bytes = Buffer.alloc(ANSWER_OFFSET + ANSWER_BYTES)
  bytes.writeInt32BE(ANSWER_BYTES, 0)
  bytes.writeInt32BE(xid, ANSWER_OFFSET)
  clients.get(connection)?.write(bytes)
}

/** Of a proposal: kind, number, who asked, over which connection, the client's frame. */
function writeOf(proposal: Buffer, number: number): Write {
  const [origin, connection, xid] = [8, 12, 16].map((at) => proposal.readInt32BE(at))
  return { number, origin: origin!, connection: connection!, xid: xid! }
}

function head(kind: number, number: number): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES)
  bytes.writeInt32BE(HEAD_BYTES - 4, 0)
  bytes.writeInt32BE(kind, 4)
  bytes.writeInt32BE(number, 8)
  return bytes
}

function onFrames(socket: Socket, take: (frame: Buffer, isWord: boolean) => void): void {
  let rest: Buffer = NO_BYTES
  // A load that is over just goes away.
  socket.on('error', () => {})
  socket.on('data', (bytes: Buffer) => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    while (rest.length >= 4) {
      const isWord = rest.toString('latin1', 0, 4) === 'srvr'
      const end = 4 + (isWord ? 0 : rest.readInt32BE(0))
      if (rest.length < end) break
      take(rest.subarray(4, end), isWord)
      rest = rest.subarray(end)
    }
  })
}

async function openLog(): Promise<DiskFile> {
  const disk = new NodeDisk()
  mkdirSync(directory, { recursive: true })
  const file = await new Promise<DiskFile>((resolve, reject) =>
    disk.create(join(directory, 'bare-log'), (error, made) =>
      made === null ? reject(error ?? new Error('no log')) : resolve(made),
    ),
  )
  const zeros = new Uint8Array(ZEROS_BYTES)
  for (let at = 0; at < LOG_BYTES; at += ZEROS_BYTES) {
    await new Promise<void>((resolve, reject) =>
      file.write(at, zeros, 'over-zeros', (error) => (error === null ? resolve() : reject(error))),
    )
  }
  return file
}

async function dialled(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    if (isOpen) return socket
    await sleep(20)
  }
}
