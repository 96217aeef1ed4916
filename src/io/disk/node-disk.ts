// The Disk port on real files. It knows how to make bytes and names survive a crash on this
// machine, and how to say what went wrong in a sentence; it knows no formats.
//
// Durable writes go through a second descriptor opened O_DSYNC: one trip to the thread pool instead
// of a write and an fdatasync, and no other bytes of the file are synced along with them
// (docs/decisions/0011). Where the system has no O_DSYNC that can be trusted, they are a write and
// an fdatasync. Into a file that was filled with zeros ahead they go past the page cache besides, where
// the system and the file's own system take that.

import * as fs from 'node:fs'
import { dirname } from 'node:path'
import { type Disk, DiskError, type DiskFile, type Done, type Durable } from '../../ports/disk.ts'
import { directEnd, DirectWriter } from './direct-writer.ts'

export class NodeDisk implements Disk {
  readonly #open = new Set<NodeFile>()

  list(directory: string): readonly string[] {
    try {
      return fs.readdirSync(directory).sort()
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return []
      throw diskError(error, 'list', directory)
    }
  }

  size(path: string): number | null {
    return attempt('look at', path, () => {
      const stats = fs.statSync(path, { throwIfNoEntry: false })
      return stats?.isFile() ? stats.size : null
    })
  }

  read(path: string, offset: number, length: number, room?: Uint8Array): Uint8Array {
    return attempt('read', path, () => {
      const descriptor = fs.openSync(path, 'r')
      try {
        const left = Math.max(0, fs.fstatSync(descriptor).size - offset)
        const wanted = Math.min(length, left)
        const hasRoom = room !== undefined && room.length >= wanted
        const bytes = hasRoom ? room.subarray(0, wanted) : new Uint8Array(wanted)
        let filled = 0
        while (filled < bytes.length) {
          const count = fs.readSync(
            descriptor,
            bytes,
            filled,
            Math.min(bytes.length - filled, READ_BYTES_MAX),
            offset + filled,
          )
          if (count === 0) return bytes.slice(0, filled)
          filled += count
        }
        return bytes
      } finally {
        fs.closeSync(descriptor)
      }
    })
  }

  makeDirectory(path: string): void {
    attempt('create', path, () => {
      const first = fs.mkdirSync(path, { recursive: true })
      if (first === undefined) return
      // Each new directory is an entry of the one above it.
      let made = path
      for (;;) {
        const parent = dirname(made)
        syncPath(parent)
        if (made === first || parent === made) break
        made = parent
      }
    })
  }

  truncate(path: string, length: number): void {
    attempt('cut', path, () => {
      const descriptor = fs.openSync(path, 'r+')
      try {
        if (fs.fstatSync(descriptor).size > length) fs.ftruncateSync(descriptor, length)
        fs.fsyncSync(descriptor)
      } finally {
        fs.closeSync(descriptor)
      }
    })
  }

  replace(path: string, content: Uint8Array): void {
    attempt('replace', path, () => {
      const draft = `${path}.tmp`
      const descriptor = fs.openSync(draft, 'w')
      try {
        writeAllSync(descriptor, content)
        fs.fsyncSync(descriptor)
      } finally {
        fs.closeSync(descriptor)
      }
      fs.renameSync(draft, path)
      syncPath(dirname(path))
    })
  }

  remove(path: string): void {
    attempt('remove', path, () => {
      fs.unlinkSync(path)
      syncPath(dirname(path))
    })
  }

  settleNames(directory: string): void {
    attempt('sync', directory, () => syncPath(directory))
  }

  move(from: string, to: string): void {
    attempt('rename', from, () => {
      fs.renameSync(from, to)
      syncPath(dirname(to))
    })
  }

  create(path: string, done: (error: DiskError | null, file: DiskFile | null) => void): void {
    fs.open(
      path,
      fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC,
      (error, fd) => {
        if (error !== null) return done(diskError(error, 'create', path), null)
        const file = new NodeFile(path, fd, () => this.#open.delete(file))
        this.#open.add(file)
        done(null, file)
      },
    )
  }

  rename(from: string, to: string, done: Done): void {
    fs.rename(from, to, (error) => {
      if (error !== null) return done(diskError(error, 'rename', from))
      for (const file of this.#open) if (file.path === from) file.path = to
      done(null)
    })
  }

  unlink(path: string, done: Done): void {
    fs.unlink(path, (error) => done(error === null ? null : diskError(error, 'remove', path)))
  }

  cut(path: string, length: number, done: Done): void {
    const failure = (error: NodeJS.ErrnoException | null): DiskError | null =>
      error === null ? null : diskError(error, 'cut', path)
    fs.open(path, 'r+', (openError, fd) => {
      if (openError !== null) return done(failure(openError))
      const close = (error: NodeJS.ErrnoException | null): void => {
        fs.close(fd, () => done(failure(error)))
      }
      const sync = (error: NodeJS.ErrnoException | null): void => {
        if (error !== null) close(error)
        else fs.fsync(fd, close)
      }
      fs.fstat(fd, (statError, stats) => {
        if (statError !== null) close(statError)
        else if (stats.size > length) fs.ftruncate(fd, length, sync)
        else sync(null)
      })
    })
  }

  syncDirectory(directory: string, done: Done): void {
    fs.open(directory, 'r', (openError, fd) => {
      if (openError !== null) return done(ignorable(openError, directory))
      fs.fsync(fd, (syncError) => {
        fs.close(fd, () => done(syncError === null ? null : ignorable(syncError, directory)))
      })
    })
  }
}

class NodeFile implements DiskFile {
  /** Follows renames. */
  path: string
  readonly #fd: number
  readonly #onClosed: () => void
  /** The descriptor for durable writes; opened with the first of them. */
  #durableFd: number | null = null
  /** For those past the page cache; null before the first, and where they are refused. */
  #direct: DirectWriter | null = null
  #isDirectRefused = !HAS_DSYNC
  #size = 0

  constructor(path: string, fd: number, onClosed: () => void) {
    this.path = path
    this.#fd = fd
    this.#onClosed = onClosed
  }

  write(offset: number, bytes: Uint8Array, durable: Durable, done: Done): void {
    if (durable === 'over-zeros' && this.#canBeDirect(offset, bytes.length)) {
      if (this.#direct !== null) this.#writeDirect(this.#direct, offset, bytes, done)
      else this.#openDirect(offset, bytes, done)
    } else if (!durable) this.#writeAll(this.#fd, offset, bytes, 0, done)
    else if (!HAS_DSYNC) this.#writeThenSync(offset, bytes, done)
    else if (this.#durableFd !== null) this.#writeAll(this.#durableFd, offset, bytes, 0, done)
    else this.#openDurable(offset, bytes, done)
  }

  sync(done: Done): void {
    fs.fdatasync(this.#fd, (error) => done(this.#failure(error, 'sync')))
  }

  close(done: Done): void {
    this.#onClosed()
    this.#close([this.#direct?.descriptor ?? null, this.#durableFd, this.#fd], done)
  }

  #close(descriptors: readonly (number | null)[], done: Done): void {
    const [first = null, ...rest] = descriptors
    if (first === null) return rest.length === 0 ? done(null) : this.#close(rest, done)
    fs.close(first, (error) => {
      this.#close(rest, (later) => done(this.#failure(error, 'close') ?? later))
    })
  }

  /** Whole blocks are written, and the file must not grow by more than was asked for. */
  #canBeDirect(offset: number, byteCount: number): boolean {
    const end = offset + byteCount
    if (this.#isDirectRefused || directEnd(end) > Math.max(end, this.#size)) return false
    return this.#direct?.takes(offset, byteCount) ?? true
  }

  #openDirect(offset: number, bytes: Uint8Array, done: Done): void {
    this.#reopen(fs.constants.O_DIRECT, (error, fd) => {
      if (error === null) {
        this.#direct = new DirectWriter(fd, this.#fd)
        this.write(offset, bytes, 'over-zeros', done)
      } else {
        this.#isDirectRefused = true
        this.write(offset, bytes, true, done)
      }
    })
  }

  #writeDirect(writer: DirectWriter, offset: number, bytes: Uint8Array, done: Done): void {
    writer.write(offset, bytes, (error, isRefused) => {
      if (isRefused) return this.write(offset, bytes, true, done)
      if (error === null) this.#size = Math.max(this.#size, offset + bytes.length)
      done(this.#failure(error, 'write'))
    })
  }

  /** Through the descriptor that is open, since the name may be changing under us. */
  #reopen(flag: number, done: (error: NodeJS.ErrnoException | null, fd: number) => void): void {
    const flags = fs.constants.O_RDWR | fs.constants.O_DSYNC | flag
    fs.open(`/proc/self/fd/${this.#fd}`, flags, done)
  }

  #openDurable(offset: number, bytes: Uint8Array, done: Done): void {
    this.#reopen(0, (error, fd) => {
      if (error !== null) return this.#writeThenSync(offset, bytes, done)
      this.#durableFd = fd
      this.#writeAll(fd, offset, bytes, 0, done)
    })
  }

  #writeThenSync(offset: number, bytes: Uint8Array, done: Done): void {
    this.#writeAll(this.#fd, offset, bytes, 0, (error) => {
      if (error !== null) done(error)
      else this.sync(done)
    })
  }

  #writeAll(fd: number, offset: number, bytes: Uint8Array, from: number, done: Done): void {
    fs.write(fd, bytes, from, bytes.length - from, offset + from, (error, count) => {
      if (error !== null) done(this.#failure(error, 'write'))
      else if (from + count < bytes.length) this.#writeAll(fd, offset, bytes, from + count, done)
      else {
        this.#size = Math.max(this.#size, offset + bytes.length)
        done(null)
      }
    })
  }

  #failure(error: NodeJS.ErrnoException | null | undefined, doing: string): DiskError | null {
    return error === null || error === undefined ? null : diskError(error, doing, this.path)
  }
}

/** What the operating system takes in one call, and Node in its arguments. */
const READ_BYTES_MAX = 1 << 30

/** Elsewhere O_DSYNC is missing, or does not reach the medium (macOS needs F_FULLFSYNC). */
const HAS_DSYNC = process.platform === 'linux'

function attempt<T>(doing: string, path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw diskError(error, doing, path)
  }
}

function writeAllSync(fd: number, bytes: Uint8Array): void {
  let from = 0
  while (from < bytes.length) {
    from += fs.writeSync(fd, bytes, from, bytes.length - from, from)
  }
}

function syncPath(directory: string): void {
  let fd: number
  try {
    fd = fs.openSync(directory, 'r')
  } catch (error) {
    if (ignorable(error, directory) === null) return
    throw error
  }
  try {
    fs.fsyncSync(fd)
  } catch (error) {
    if (ignorable(error, directory) !== null) throw error
  } finally {
    fs.closeSync(fd)
  }
}

/** Windows cannot open or sync a directory, and does not need to. */
function ignorable(error: unknown, directory: string): DiskError | null {
  const code = codeOf(error)
  const isWindows = process.platform === 'win32'
  if (isWindows && (code === 'EPERM' || code === 'EISDIR' || code === 'EACCES')) return null
  return diskError(error, 'sync', directory)
}

function diskError(error: unknown, doing: string, path: string): DiskError {
  if (error instanceof DiskError) return error
  const code = codeOf(error)
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error))
  return new DiskError(code, path, `cannot ${doing} ${path}: ${reason} (${code})`)
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : 'UNKNOWN'
}

/** What the system's codes mean to the person on call. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; free some space or move the directory to a larger disk',
  EDQUOT: 'the disk quota is used up',
  EIO: 'the disk reported an error; check the hardware and the system log before trusting it again',
  EROFS: 'the file system is mounted read-only',
  EACCES: 'permission denied; check owner and mode of the directory',
  EPERM: 'operation not permitted; check owner and mode of the directory',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is not a directory',
  EEXIST: 'it exists already',
  EISDIR: 'it is a directory',
  EMFILE: 'this process has too many files open; raise its limit (ulimit -n)',
  ENFILE: 'the system has too many files open',
  EFBIG: 'the file is larger than the file system or the process limit allows',
  ENODEV: 'the device is gone',
}
