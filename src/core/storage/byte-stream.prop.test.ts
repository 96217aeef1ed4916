import fc from 'fast-check'
import { expect, test } from 'vitest'

import { MemoryDisk } from '../../io/disk/memory-disk.ts'
import { ADLER_SEED, adler32 } from '../../base/checksum.ts'
import type { Disk } from '../../ports/disk.ts'
import { type ByteSource, ByteStream, fileSource, windowSource } from './byte-stream.ts'

const PATH = '/file'

/** A file, how it is cut into records, and the size of the pieces in which it is read. */
const reading = fc.record({
  bytes: fc.uint8Array({ maxLength: 600 }),
  lengths: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 30 }),
  pieceBytes: fc.integer({ min: 1, max: 64 }),
})

const SOURCES: readonly (readonly [
  name: string,
  open: (disk: Disk, pieceBytes: number) => ByteSource,
])[] = [
  ['arrays of their own', (disk, pieceBytes) => fileSource(disk, PATH, pieceBytes)],
  ['one window', (disk, pieceBytes) => windowSource(disk, PATH, pieceBytes)],
]

test.each(SOURCES)('a file comes whole and in order, and is summed, through %s', (_, open) => {
  fc.assert(
    fc.property(reading, ({ bytes, lengths, pieceBytes }) => {
      const disk = new RoomyDisk()
      disk.replace(PATH, bytes)
      const stream = new ByteStream(open(disk, pieceBytes), true)
      const found: number[] = []
      for (let turn = 0; ; turn++) {
        const length = lengths[turn % lengths.length]!
        expect(stream.offset).toBe(found.length)
        const isThere = stream.ensure(length)
        expect(isThere).toBe(found.length + length <= bytes.length)
        const taken = isThere ? length : stream.available
        found.push(...stream.bytes.subarray(stream.position, stream.position + taken))
        stream.position += taken
        if (!isThere) break
      }
      expect(found).toEqual([...bytes])
      expect(stream.checksum()).toBe(adler32(ADLER_SEED, bytes, 0, bytes.length))
      expect(stream.ensure(1)).toBe(false)
    }),
  )
})

test('views of arrays of their own stay as they are', () => {
  const disk = new RoomyDisk()
  disk.replace(
    PATH,
    Uint8Array.from({ length: 100 }, (_, at) => at),
  )
  const stream = new ByteStream(fileSource(disk, PATH, 10), false)
  stream.ensure(5)
  const view = stream.bytes.subarray(0, 5)
  stream.position = 5
  stream.ensure(60)
  expect([...view]).toEqual([0, 1, 2, 3, 4])
})

/** Uses the room that it is offered, as a real disk does. */
class RoomyDisk extends MemoryDisk {
  override read(path: string, offset: number, length: number, room?: Uint8Array): Uint8Array {
    const bytes = super.read(path, offset, length)
    if (room === undefined || room.length < bytes.length) return bytes
    room.fill(255)
    room.set(bytes)
    return room.subarray(0, bytes.length)
  }
}
