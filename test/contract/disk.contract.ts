// What every implementation of the Disk port promises, real or simulated. Where the disk under test
// can crash, the suite also checks what a crash keeps.

import { describe, expect, it } from 'vitest'

import { type Disk, DiskError, type DiskFile, type Done } from '../../src/ports/disk.ts'

export interface DiskUnderTest {
  readonly disk: Disk
  /** A directory that exists and is empty. */
  readonly directory: string
  /** Lets everything that was asked for finish. */
  settle(): Promise<void>
  /** Ends the machine and starts it again; absent where that cannot be done. */
  readonly crash?: () => void
  end(): void
}

export function diskContract(name: string, makeDisk: () => DiskUnderTest): void {
  const onDisk = (test: (bench: Bench) => Promise<void>) => async (): Promise<void> => {
    const under = makeDisk()
    try {
      await test(new Bench(under))
    } finally {
      await under.settle()
      under.end()
    }
  }

  describe(`${name}: a file`, () => {
    it(
      'holds what was written where it was written, zeros in between',
      onDisk(async (bench) => {
        const file = await bench.create('a')
        await bench.write(file, 0, [1, 2, 3])
        await bench.write(file, 10, [9])
        await bench.write(file, 1, [7])
        await bench.close(file)
        expect(bench.content('a')).toEqual([1, 7, 3, 0, 0, 0, 0, 0, 0, 0, 9])
        expect(bench.disk.size(bench.path('a'))).toBe(11)
      }),
    )

    it(
      'is read in parts, and fewer bytes at its end',
      onDisk(async (bench) => {
        bench.disk.replace(bench.path('a'), Uint8Array.from([1, 2, 3, 4, 5]))
        const read = (offset: number, length: number): number[] => [
          ...bench.disk.read(bench.path('a'), offset, length),
        ]
        expect(read(1, 3)).toEqual([2, 3, 4])
        expect(read(3, 100)).toEqual([4, 5])
        expect(read(5, 10)).toEqual([])
        expect(read(99, 10)).toEqual([])
        expect(read(0, 0)).toEqual([])
      }),
    )

    it(
      'is read alike with room for the bytes, be it enough or not',
      onDisk(async (bench) => {
        bench.disk.replace(bench.path('a'), Uint8Array.from([1, 2, 3, 4, 5]))
        for (const roomBytes of [0, 2, 3, 9]) {
          const room = new Uint8Array(roomBytes).fill(255)
          expect([...bench.disk.read(bench.path('a'), 1, 3, room)]).toEqual([2, 3, 4])
          expect([...bench.disk.read(bench.path('a'), 4, 3, room)]).toEqual([5])
        }
      }),
    )

    it(
      'takes durable and other writes, in any order, and a sync of all of them',
      onDisk(async (bench) => {
        const file = await bench.create('a')
        await bench.write(file, 0, [1, 1], false)
        await bench.write(file, 2, [2, 2], true)
        await bench.write(file, 4, [3, 3], false)
        await bench.asked((done) => file.sync(done))
        await bench.write(file, 6, [4, 4], true)
        await bench.close(file)
        expect(bench.content('a')).toEqual([1, 1, 2, 2, 3, 3, 4, 4])
      }),
    )

    it(
      'takes a part of a larger array, and large arrays',
      onDisk(async (bench) => {
        const file = await bench.create('a')
        const large = new Uint8Array((3 << 20) + 17)
        for (let i = 0; i < large.length; i++) large[i] = (i * 31) & 0xff
        for (const durable of [false, true]) {
          await bench.asked((done) => file.write(5, large.subarray(3), durable, done))
          const found = bench.disk.read(bench.path('a'), 5, large.length)
          expect(Buffer.compare(found, large.subarray(3))).toBe(0)
        }
        await bench.close(file)
      }),
    )

    it(
      'takes short writes over zeros one behind the other, and keeps its size',
      onDisk(async (bench) => {
        const file = await bench.create('a')
        const zeros = new Uint8Array(16 << 10)
        const expected = new Uint8Array(zeros.length)
        await bench.asked((done) => file.write(0, zeros, 'over-zeros', done))
        await bench.write(file, 0, [7, 7, 7])
        expected.set([7, 7, 7])
        let offset = 3
        for (const length of [1, 100, 3_992, 4_096, 182, 5_000, 0, 2]) {
          const bytes = new Uint8Array(length).fill(length % 251 || 1)
          await bench.asked((done) => file.write(offset, bytes, 'over-zeros', done))
          expected.set(bytes, offset)
          offset += length
          expect(Buffer.compare(Buffer.from(bench.content('a')), expected)).toBe(0)
        }
        await bench.close(file)
      }),
    )

    it(
      'takes writes over zeros among others, at its end and of any length',
      onDisk(async (bench) => {
        const file = await bench.create('a')
        const large = new Uint8Array(1_500_000).fill(5)
        await bench.asked((done) => file.write(0, new Uint8Array(8_192), 'over-zeros', done))
        await bench.asked((done) => file.write(10, Uint8Array.of(1, 2), 'over-zeros', done))
        await bench.write(file, 12, [3], true)
        await bench.asked((done) => file.write(13, Uint8Array.of(4), 'over-zeros', done))
        await bench.asked((done) => file.write(8_000, large, 'over-zeros', done))
        const end = 8_000 + large.length
        await bench.asked((done) => file.write(end, Uint8Array.of(6), 'over-zeros', done))
        await bench.close(file)
        expect(bench.disk.size(bench.path('a'))).toBe(end + 1)
        const content = Buffer.from(bench.disk.read(bench.path('a'), 0, end + 1))
        expect([...content.subarray(8, 16)]).toEqual([0, 0, 1, 2, 3, 4, 0, 0])
        expect(Buffer.compare(content.subarray(8_000, end), large)).toBe(0)
        expect(content.at(-1)).toBe(6)
      }),
    )

    it(
      'is emptied where it is created again',
      onDisk(async (bench) => {
        bench.disk.replace(bench.path('a'), Uint8Array.from([1, 2, 3]))
        const file = await bench.create('a')
        expect(bench.content('a')).toEqual([])
        await bench.write(file, 0, [4])
        await bench.close(file)
        expect(bench.content('a')).toEqual([4])
      }),
    )

    it(
      'goes on under its new name after it was renamed, and replaces what had that name',
      onDisk(async (bench) => {
        bench.disk.replace(bench.path('b'), Uint8Array.from([9, 9, 9]))
        const file = await bench.create('a')
        await bench.write(file, 0, [1], true)
        await bench.asked((done) => bench.disk.rename(bench.path('a'), bench.path('b'), done))
        await bench.write(file, 1, [2], true)
        await bench.write(file, 2, [3], false)
        await bench.close(file)
        expect(bench.content('b')).toEqual([1, 2, 3])
        expect(bench.disk.size(bench.path('a'))).toBeNull()
        expect(bench.disk.list(bench.directory)).toEqual(['b'])
      }),
    )

    it(
      'can be cut, or made durable by a cut to more than it has',
      onDisk(async (bench) => {
        bench.disk.replace(bench.path('a'), Uint8Array.from([1, 2, 3, 4]))
        bench.disk.truncate(bench.path('a'), 2)
        expect(bench.content('a')).toEqual([1, 2])
        bench.disk.truncate(bench.path('a'), 2)
        bench.disk.truncate(bench.path('a'), 100)
        expect(bench.content('a')).toEqual([1, 2])
        bench.disk.truncate(bench.path('a'), 0)
        expect(bench.content('a')).toEqual([])
      }),
    )

    it(
      'is cut by request as well',
      onDisk(async (bench) => {
        const { disk } = bench
        disk.replace(bench.path('a'), Uint8Array.from([1, 2, 3, 4]))
        await bench.asked((done) => disk.cut(bench.path('a'), 3, done))
        expect(bench.content('a')).toEqual([1, 2, 3])
        await bench.asked((done) => disk.cut(bench.path('a'), 100, done))
        expect(bench.content('a')).toEqual([1, 2, 3])
        await bench.asked((done) => disk.cut(bench.path('a'), 0, done))
        expect(bench.content('a')).toEqual([])
      }),
    )

    it(
      'is replaced as a whole',
      onDisk(async (bench) => {
        bench.disk.replace(bench.path('a'), Uint8Array.from([1, 2, 3]))
        bench.disk.replace(bench.path('a'), Uint8Array.from([4]))
        expect(bench.content('a')).toEqual([4])
        expect(bench.disk.list(bench.directory)).toEqual(['a'])
      }),
    )
  })

  describe(`${name}: names`, () => {
    it(
      'are listed in order; none where there is no directory',
      onDisk(async (bench) => {
        for (const one of ['b', 'a', 'B', '10', '9']) {
          bench.disk.replace(bench.path(one), new Uint8Array(0))
        }
        bench.disk.makeDirectory(bench.path('deep/er'))
        expect(bench.disk.list(bench.directory)).toEqual(['10', '9', 'B', 'a', 'b', 'deep'])
        expect(bench.disk.list(bench.path('deep'))).toEqual(['er'])
        expect(bench.disk.list(bench.path('nothing'))).toEqual([])
        bench.disk.makeDirectory(bench.path('deep/er'))
      }),
    )

    it(
      'are removed, at once or by request',
      onDisk(async (bench) => {
        bench.disk.replace(bench.path('a'), Uint8Array.of(1))
        bench.disk.replace(bench.path('b'), Uint8Array.of(1))
        bench.disk.remove(bench.path('a'))
        await bench.asked((done) => bench.disk.unlink(bench.path('b'), done))
        await bench.asked((done) => bench.disk.syncDirectory(bench.directory, done))
        expect(bench.disk.list(bench.directory)).toEqual([])
        expect(bench.disk.size(bench.path('a'))).toBeNull()
      }),
    )

    it(
      'change at once, too; what had the new name is gone',
      onDisk(async (bench) => {
        bench.disk.replace(bench.path('a'), Uint8Array.of(1))
        bench.disk.replace(bench.path('b'), Uint8Array.of(2))
        bench.disk.move(bench.path('a'), bench.path('b'))
        expect(bench.disk.list(bench.directory)).toEqual(['b'])
        expect(bench.content('b')).toEqual([1])
      }),
    )

    it(
      'of directories are not files',
      onDisk(async (bench) => {
        bench.disk.makeDirectory(bench.path('d'))
        expect(bench.disk.size(bench.path('d'))).toBeNull()
      }),
    )
  })

  describe(`${name}: what is missing`, () => {
    it(
      'is thrown as a DiskError by synchronous calls',
      onDisk(async (bench) => {
        const { disk } = bench
        const calls = [
          () => disk.read(bench.path('none'), 0, 1),
          () => disk.truncate(bench.path('none'), 0),
          () => disk.remove(bench.path('none')),
          () => disk.settleNames(bench.path('none')),
          () => disk.move(bench.path('none'), bench.path('b')),
          () => disk.replace(bench.path('none/a'), new Uint8Array(1)),
        ]
        for (const call of calls) {
          try {
            call()
            expect.unreachable()
          } catch (error) {
            expect(error).toBeInstanceOf(DiskError)
            expect(error).toMatchObject({ code: 'ENOENT' })
            expect((error as DiskError).message).toContain('none')
          }
        }
      }),
    )

    it(
      'is answered with a DiskError by requests',
      onDisk(async (bench) => {
        const { disk } = bench
        const none = bench.path('none')
        const errors = [
          await bench.failed((done) => disk.create(`${none}/a`, (error) => done(error))),
          await bench.failed((done) => disk.rename(none, bench.path('b'), done)),
          await bench.failed((done) => disk.unlink(none, done)),
          await bench.failed((done) => disk.cut(none, 0, done)),
          await bench.failed((done) => disk.syncDirectory(none, done)),
        ]
        for (const error of errors) {
          expect(error).toBeInstanceOf(DiskError)
          expect(error.code).toBe('ENOENT')
          expect(error.message).toContain('none')
        }
      }),
    )
  })

  describe(`${name}: a request`, () => {
    it(
      'is answered once, and never before it returns',
      onDisk(async (bench) => {
        let answers = 0
        const count: Done = (error) => {
          expect(error).toBeNull()
          answers++
        }
        const file = await bench.create('a')
        file.write(0, Uint8Array.of(1), true, count)
        file.write(1, Uint8Array.of(2), false, count)
        file.sync(count)
        bench.disk.syncDirectory(bench.directory, count)
        expect(answers).toBe(0)
        await bench.settle()
        expect(answers).toBe(4)
        file.close(count)
        expect(answers).toBe(4)
        await bench.settle()
        expect(answers).toBe(5)
      }),
    )
  })

  describe(`${name}: a crash`, () => {
    const onCrashing = (test: (bench: Bench, crash: () => void) => Promise<void>) =>
      onDisk(async (bench) => {
        if (bench.crash === null) return
        await test(bench, bench.crash)
      })

    it(
      'keeps durable writes under durable names',
      onCrashing(async (bench, crash) => {
        const file = await bench.create('a')
        await bench.asked((done) => bench.disk.syncDirectory(bench.directory, done))
        await bench.write(file, 0, [1, 2], true)
        await bench.write(file, 700, [3], true)
        crash()
        expect(bench.content('a').slice(0, 3)).toEqual([1, 2, 0])
        expect(bench.content('a')[700]).toBe(3)
      }),
    )

    it(
      'keeps what was synced',
      onCrashing(async (bench, crash) => {
        const file = await bench.create('a')
        await bench.write(file, 0, [1, 2], false)
        await bench.asked((done) => file.sync(done))
        await bench.asked((done) => bench.disk.syncDirectory(bench.directory, done))
        crash()
        expect(bench.content('a')).toEqual([1, 2])
      }),
    )

    it(
      'keeps a durable rename, with what was written before and after it',
      onCrashing(async (bench, crash) => {
        bench.disk.replace(bench.path('b'), Uint8Array.of(9))
        const file = await bench.create('a')
        await bench.write(file, 0, [1], true)
        await bench.asked((done) => bench.disk.rename(bench.path('a'), bench.path('b'), done))
        await bench.asked((done) => bench.disk.syncDirectory(bench.directory, done))
        await bench.write(file, 1, [2], true)
        crash()
        expect(bench.disk.list(bench.directory)).toEqual(['b'])
        expect(bench.content('b')).toEqual([1, 2])
      }),
    )

    it(
      'keeps the old file or the new one where a rename was not synced',
      onCrashing(async (bench, crash) => {
        bench.disk.replace(bench.path('b'), Uint8Array.of(9))
        const file = await bench.create('a')
        await bench.write(file, 0, [1], true)
        await bench.asked((done) => bench.disk.rename(bench.path('a'), bench.path('b'), done))
        crash()
        expect([[9], [1]]).toContainEqual(bench.content('b'))
      }),
    )

    it(
      'keeps names that somebody changed and that were settled',
      onCrashing(async (bench, crash) => {
        const { disk } = bench
        for (const name of ['a', 'b']) disk.replace(bench.path(name), Uint8Array.of(1))
        await bench.asked((done) => disk.unlink(bench.path('a'), done))
        await bench.asked((done) => disk.rename(bench.path('b'), bench.path('c'), done))
        disk.settleNames(bench.directory)
        crash()
        expect(disk.list(bench.directory)).toEqual(['c'])
      }),
    )

    it(
      'keeps what the synchronous calls did',
      onCrashing(async (bench, crash) => {
        bench.disk.makeDirectory(bench.path('d/e'))
        bench.disk.replace(bench.path('d/e/a'), Uint8Array.from([1, 2, 3]))
        bench.disk.replace(bench.path('gone'), Uint8Array.of(1))
        bench.disk.truncate(bench.path('d/e/a'), 2)
        bench.disk.remove(bench.path('gone'))
        bench.disk.move(bench.path('d/e/a'), bench.path('d/e/b'))
        crash()
        expect(bench.disk.list(bench.path('d/e'))).toEqual(['b'])
        expect(bench.content('d/e/b')).toEqual([1, 2])
        expect(bench.disk.list(bench.directory)).toEqual(['d'])
      }),
    )

    it(
      'keeps a cut that was answered',
      onCrashing(async (bench, crash) => {
        bench.disk.replace(bench.path('a'), Uint8Array.from([1, 2, 3]))
        await bench.asked((done) => bench.disk.cut(bench.path('a'), 1, done))
        crash()
        expect(bench.content('a')).toEqual([1])
      }),
    )

    it(
      'keeps what was written without a sync once the file was cut, even to the same length',
      onCrashing(async (bench, crash) => {
        const file = await bench.create('a')
        await bench.asked((done) => bench.disk.syncDirectory(bench.directory, done))
        await bench.write(file, 0, [1, 2, 3], false)
        await bench.close(file)
        bench.disk.truncate(bench.path('a'), 3)
        crash()
        expect(bench.content('a')).toEqual([1, 2, 3])
      }),
    )
  })
}

class Bench {
  readonly disk: Disk
  readonly directory: string
  readonly crash: (() => void) | null
  readonly #under: DiskUnderTest

  constructor(under: DiskUnderTest) {
    this.#under = under
    this.disk = under.disk
    this.directory = under.directory
    this.crash = under.crash ?? null
  }

  path(name: string): string {
    return `${this.directory}/${name}`
  }

  content(name: string): number[] {
    return [...this.disk.read(this.path(name), 0, 1 << 20)]
  }

  settle(): Promise<void> {
    return this.#under.settle()
  }

  async create(name: string): Promise<DiskFile> {
    let made: DiskFile | null = null
    await this.asked((done) =>
      this.disk.create(this.path(name), (error, file) => {
        made = file
        done(error)
      }),
    )
    return made as unknown as DiskFile
  }

  write(file: DiskFile, offset: number, bytes: number[], durable = false): Promise<void> {
    return this.asked((done) => file.write(offset, Uint8Array.from(bytes), durable, done))
  }

  close(file: DiskFile): Promise<void> {
    return this.asked((done) => file.close(done))
  }

  /** A request that must succeed. */
  async asked(request: (done: Done) => void): Promise<void> {
    const answer = await this.#answer(request)
    if (answer !== null) throw answer
  }

  /** A request that must fail. */
  async failed(request: (done: Done) => void): Promise<DiskError> {
    const answer = await this.#answer(request)
    if (answer === null) throw new Error('it did not fail')
    return answer
  }

  async #answer(request: (done: Done) => void): Promise<DiskError | null> {
    let answer: DiskError | null | undefined
    request((error) => {
      answer = error
    })
    await this.settle()
    if (answer === undefined) throw new Error('a request was never answered')
    return answer
  }
}
