// How long one write-and-sync takes, by how it is made and what the file was like before; and what
// a commit waits for while the next log file is being filled. Run with
// `npx tsx src/io/disk/durable-write.bench.ts [directory]`; docs/decisions/0010 and 0011 rest on it.

import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const { O_RDWR, O_CREAT, O_TRUNC, O_DSYNC } = fs.constants
const FILE_BYTES = 64 << 20
const MIB = 1 << 20

type Before = 'empty' | 'sparse zeros' | 'written zeros'
type Fill = 'nothing' | `O_DSYNC ${number} KiB` | 'plain 1 MiB, one sync'

const directory = fs.mkdtempSync(join(process.argv[2] ?? tmpdir(), 'zabra-bench-'))
try {
  await compareWrites(200, 1_500)
  await compareWrites(100_000, 250)
  await compareFills(200)
} finally {
  fs.rmSync(directory, { recursive: true })
}

/** All ways take turns, so that whatever else the machine does hits each alike. */
async function compareWrites(bytes: number, count: number): Promise<void> {
  const buffer = Buffer.alloc(bytes, 7)
  const befores: Before[] = ['empty', 'sparse zeros', 'written zeros']
  const ways = befores.flatMap((before) =>
    [false, true].map((isDirect) => ({
      label: `${isDirect ? 'O_DSYNC' : 'write + fdatasync'}, ${before}`,
      isDirect,
      fd: open(`${before}-${isDirect}`, before, isDirect),
      position: 16,
      times: [] as number[],
    })),
  )
  for (let i = 0; i < count; i++) {
    for (const way of ways) {
      const start = process.hrtime.bigint()
      await write(way.fd, buffer, way.position)
      if (!way.isDirect) await sync(way.fd)
      way.times.push(since(start))
      way.position += bytes
    }
  }
  for (const { label, times, fd } of ways) {
    print(`${bytes} bytes, ${label}`, times)
    fs.closeSync(fd)
  }
}

async function compareFills(bytes: number): Promise<void> {
  const fd = open('log', 'written zeros', true)
  const buffer = Buffer.alloc(bytes, 7)
  const fills: Fill[] = [
    'nothing',
    'O_DSYNC 256 KiB',
    'O_DSYNC 1024 KiB',
    'O_DSYNC 4096 KiB',
    'plain 1 MiB, one sync',
  ]
  for (const fill of fills) {
    const times: number[] = []
    let isFilling = true
    const filling = fillFile(fill).then(() => {
      isFilling = false
    })
    for (let position = 16; isFilling; position += bytes) {
      const start = process.hrtime.bigint()
      await write(fd, buffer, position)
      times.push(since(start))
    }
    await filling
    print(`${bytes} bytes, O_DSYNC, while filling: ${fill}`, times)
  }
  fs.closeSync(fd)
}

async function fillFile(fill: Fill): Promise<void> {
  if (fill === 'nothing') return new Promise((resolve) => setTimeout(resolve, 300))
  const kib = /(\d+) KiB/.exec(fill)?.[1]
  const isDirect = kib !== undefined
  const piece = Buffer.alloc(isDirect ? Number(kib) * 1024 : MIB)
  const fd = open('spare', 'empty', isDirect)
  for (let at = 0; at < FILE_BYTES; at += piece.length) await write(fd, piece, at)
  if (!isDirect) await sync(fd)
  fs.closeSync(fd)
}

function open(name: string, before: Before, isDirect: boolean): number {
  const path = join(directory, name)
  const fd = fs.openSync(path, O_RDWR | O_CREAT | O_TRUNC)
  if (before === 'sparse zeros') fs.writeSync(fd, Buffer.alloc(1), 0, 1, FILE_BYTES - 1)
  if (before === 'written zeros') {
    const zeros = Buffer.alloc(MIB)
    for (let at = 0; at < FILE_BYTES; at += MIB) fs.writeSync(fd, zeros, 0, MIB, at)
  }
  fs.fsyncSync(fd)
  fs.closeSync(fd)
  return fs.openSync(path, isDirect ? O_RDWR | O_DSYNC : O_RDWR)
}

function write(fd: number, buffer: Buffer, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.write(fd, buffer, 0, buffer.length, position, (e) => (e === null ? resolve() : reject(e)))
  })
}

function sync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(fd, (error) => (error === null ? resolve() : reject(error)))
  })
}

function since(start: bigint): number {
  return Number(process.hrtime.bigint() - start) / 1_000
}

function print(label: string, times: number[]): void {
  times.sort((a, b) => a - b)
  const at = (part: number): string =>
    (times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0).toFixed(0)
  const mean = times.reduce((sum, one) => sum + one, 0) / times.length
  console.log(
    `${label.padEnd(52)} median ${at(0.5).padStart(5)} µs  p95 ${at(0.95).padStart(5)}  mean ${mean.toFixed(0).padStart(5)}`,
  )
}
