// The Disk port on real files.

import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

import { diskContract } from '../../../test/contract/disk.contract.ts'
import { type Disk, DiskError, type DiskFile, type Done } from '../../ports/disk.ts'
import { ForwardingDisk } from '../../ports/forwarding-disk.ts'
import { NodeDisk } from './node-disk.ts'

const root = mkdtempSync(join(tmpdir(), 'zabra-disk-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let directories = 0

diskContract('NodeDisk', () => {
  const counting = new CountingDisk(new NodeDisk())
  const directory = newDirectory()
  return {
    disk: counting,
    directory,
    settle: () => counting.idle(),
    end: () => rmSync(directory, { recursive: true }),
  }
})

describe('NodeDisk', () => {
  it('keeps no descriptor open after a file was closed', async () => {
    const directory = newDirectory()
    const disk = new NodeDisk()
    const kept = await create(disk, join(directory, 'kept'))
    const before = openBelow(directory)
    for (let i = 0; i < 20; i++) {
      const file = await create(disk, join(directory, `f${i}`))
      await asked((done) => file.write(0, Uint8Array.of(1), true, done))
      await asked((done) => file.write(4096, new Uint8Array(4096), 'over-zeros', done))
      await asked((done) => file.close(done))
      disk.read(join(directory, `f${i}`), 0, 10)
      await asked((done) => disk.syncDirectory(directory, done))
    }
    disk.truncate(join(directory, 'f1'), 0)
    disk.remove(join(directory, 'f2'))
    expect(openBelow(directory)).toEqual(before)
    await asked((done) => kept.close(done))
    expect(openBelow(directory)).toEqual([])
  })

  it('names the file under which it is known now', async () => {
    const directory = newDirectory()
    const disk = new NodeDisk()
    const file = await create(disk, join(directory, 'old'))
    await asked((done) => disk.rename(join(directory, 'old'), join(directory, 'new'), done))
    expect(file.path).toBe(join(directory, 'new'))
    await asked((done) => file.close(done))
  })

  it.runIf(existsSync('/dev/full'))('says that the disk is full', async () => {
    const file = await create(new NodeDisk(), '/dev/full')
    for (const durable of [false, true, 'over-zeros'] as const) {
      const error = await failed((done) => file.write(0, new Uint8Array(10), durable, done))
      expect(error).toMatchObject({ code: 'ENOSPC', path: '/dev/full' })
      expect(error.message).toBe(
        'cannot write /dev/full: the disk is full; free some space or move the directory to a larger disk (ENOSPC)',
      )
    }
    await asked((done) => file.close(done))
  })

  it('says what is in the way', async () => {
    const directory = newDirectory()
    const disk = new NodeDisk()
    writeFileSync(join(directory, 'file'), 'x')
    expect(() => disk.makeDirectory(join(directory, 'file', 'below'))).toThrow(
      /a part of the path is not a directory \(ENOTDIR\)/,
    )
    expect(() => disk.list(join(directory, 'file'))).toThrow(DiskError)
    mkdirSync(join(directory, 'folder'))
    expect(() => disk.read(join(directory, 'folder'), 0, 1)).not.toThrow(TypeError)
    const error = await failed((done) => disk.create(join(directory, 'folder'), (e) => done(e)))
    expect(error.message).toContain('it is a directory (EISDIR)')
  })

  it.runIf(process.getuid?.() !== 0)('says that it may not', async () => {
    const directory = newDirectory()
    chmodSync(directory, 0o500)
    const error = await failed((done) =>
      new NodeDisk().create(join(directory, 'a'), (e) => done(e)),
    )
    expect(error).toMatchObject({ code: 'EACCES' })
    chmodSync(directory, 0o700)
  })

  it('leaves the old content where replacing it fails', () => {
    const directory = newDirectory()
    const disk = new NodeDisk()
    disk.replace(join(directory, 'a'), Uint8Array.of(1))
    mkdirSync(join(directory, 'a.tmp'))
    expect(() => disk.replace(join(directory, 'a'), Uint8Array.of(2))).toThrow(DiskError)
    expect([...readFileSync(join(directory, 'a'))]).toEqual([1])
  })

  it('reads a file that has grown since', () => {
    const path = join(newDirectory(), 'a')
    writeFileSync(path, Uint8Array.of(1, 2))
    const disk = new NodeDisk()
    expect(disk.size(path)).toBe(2)
    appendFileSync(path, Uint8Array.of(3))
    expect([...disk.read(path, 0, 10)]).toEqual([1, 2, 3])
  })
})

function newDirectory(): string {
  const directory = join(root, String(directories++))
  mkdirSync(directory)
  return directory
}

/** Knows when everything that was asked for has been answered. */
class CountingDisk extends ForwardingDisk {
  #outstanding = 0

  async idle(): Promise<void> {
    while (this.#outstanding > 0) await new Promise((resolve) => setImmediate(resolve))
  }

  override create(path: string, done: Parameters<Disk['create']>[1]): void {
    this.#outstanding++
    this.disk.create(path, (error, file) => {
      this.#outstanding--
      done(error, file === null ? null : this.#counted(file))
    })
  }

  override rename(from: string, to: string, done: Done): void {
    this.disk.rename(from, to, this.#one(done))
  }

  override unlink(path: string, done: Done): void {
    this.disk.unlink(path, this.#one(done))
  }

  override cut(path: string, length: number, done: Done): void {
    this.disk.cut(path, length, this.#one(done))
  }

  override syncDirectory(directory: string, done: Done): void {
    this.disk.syncDirectory(directory, this.#one(done))
  }

  #counted(file: DiskFile): DiskFile {
    return {
      path: file.path,
      write: (offset, bytes, durable, done) => file.write(offset, bytes, durable, this.#one(done)),
      sync: (done) => file.sync(this.#one(done)),
      close: (done) => file.close(this.#one(done)),
    }
  }

  #one(done: Done): Done {
    this.#outstanding++
    return (error) => {
      this.#outstanding--
      done(error)
    }
  }
}

const create = (disk: Disk, path: string): Promise<DiskFile> =>
  new Promise((resolve, reject) => {
    disk.create(path, (error, file) => (file === null ? reject(error) : resolve(file)))
  })

const asked = (request: (done: (error: DiskError | null) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    request((error) => (error === null ? resolve() : reject(error)))
  })

const failed = (request: (done: (error: DiskError | null) => void) => void): Promise<DiskError> =>
  new Promise((resolve, reject) => {
    request((error) => (error === null ? reject(new Error('it did not fail')) : resolve(error)))
  })

/** The files below a directory that are open in this process, which other tests share; Linux only. */
function openBelow(directory: string): readonly string[] {
  if (!existsSync('/proc/self/fd')) return []
  return readdirSync('/proc/self/fd')
    .map((descriptor) => targetOf(`/proc/self/fd/${descriptor}`))
    .filter((path) => path.startsWith(directory))
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}
