// What a file system lets through, and what it refuses; and that memory is aligned by trying.

import { closeSync, constants, openSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

import { temporaryDirectory } from '../../../test/support/temporary-directory.ts'
import { directEnd, DirectWriter } from './direct-writer.ts'

const FILE_BYTES = 64 << 10

/** A file of zeros; null where its system takes no direct writes. */
function zeros(): { path: string; plain: number; direct: number } | null {
  const directory = temporaryDirectory()
  onTestFinished(() => directory[Symbol.dispose]())
  const path = join(directory.path, 'zeros')
  writeFileSync(path, new Uint8Array(FILE_BYTES))
  const plain = opened(path, constants.O_RDWR)
  try {
    const direct = opened(path, constants.O_RDWR | constants.O_DSYNC | constants.O_DIRECT)
    return { path, plain, direct }
  } catch {
    return null
  }
}

function opened(path: string, flags: number): number {
  const descriptor = openSync(path, flags)
  onTestFinished(() => closeSync(descriptor))
  return descriptor
}

interface Outcome {
  readonly code: string | null
  readonly isRefused: boolean
}

const write = (writer: DirectWriter, offset: number, bytes: Uint8Array): Promise<Outcome> =>
  new Promise((resolve) => {
    expect(writer.takes(offset, bytes.length)).toBe(true)
    writer.write(offset, bytes, (error, isRefused) =>
      resolve({ code: error?.code ?? null, isRefused }),
    )
    expect(writer.takes(offset, 1)).toBe(false)
  })

const done: Outcome = { code: null, isRefused: false }
const isLinux = process.platform === 'linux'

it.runIf(isLinux).each([undefined, 0, 2_000])(
  'finds memory that the system takes, beginning at %s',
  async (shift) => {
    const file = zeros()
    if (file === null) return
    const writer = new DirectWriter(file.direct, file.plain, shift)
    expect(await write(writer, 16, Buffer.from('first,'))).toEqual(done)
    expect(await write(writer, 22, Buffer.from('second'))).toEqual(done)
    // A writer that did not write what stands before reads it.
    const other = new DirectWriter(file.direct, file.plain, shift)
    expect(await write(other, 28, Buffer.from(',third'))).toEqual(done)
    const content = readFileSync(file.path)
    expect(content.subarray(0, 40).toString().replaceAll('\0', '.')).toBe(
      '................first,second,third......',
    )
    expect(statSync(file.path).size).toBe(FILE_BYTES)
  },
)

it.runIf(isLinux)('gives up where no memory is right', async () => {
  const file = zeros()
  if (file === null) return
  const writer = new DirectWriter(file.direct, file.plain, 8)
  expect(await write(writer, 16, Uint8Array.of(1))).toEqual({ code: null, isRefused: true })
  expect(writer.takes(16, 1)).toBe(false)
  expect(readFileSync(file.path).every((byte) => byte === 0)).toBe(true)
})

it.runIf(isLinux)('says that a write failed', async () => {
  const file = zeros()
  if (file === null) return
  const readOnly = opened(file.path, constants.O_RDONLY)
  const writer = new DirectWriter(readOnly, file.plain)
  expect(await write(writer, 16, Uint8Array.of(1))).toEqual({ code: 'EBADF', isRefused: false })
})

it.runIf(isLinux)('refuses to write behind what it cannot read', async () => {
  const file = zeros()
  if (file === null) return
  const writer = new DirectWriter(file.direct, file.plain)
  const behind = await write(writer, FILE_BYTES + 10, Uint8Array.of(1))
  expect(behind).toEqual({ code: null, isRefused: true })
  expect(statSync(file.path).size).toBe(FILE_BYTES)
})

it('takes no more than it has room for', () => {
  const writer = new DirectWriter(-1, -1)
  expect(writer.takes(0, 512 << 10)).toBe(true)
  expect(writer.takes(0, (512 << 10) + 1)).toBe(false)
  expect(writer.takes(4_095, 512 << 10)).toBe(false)
})

it('ends with a whole block', () => {
  expect([0, 1, 4_096, 4_097].map(directEnd)).toEqual([0, 4_096, 4_096, 8_192])
})
