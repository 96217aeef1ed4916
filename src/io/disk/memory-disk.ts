// The Disk port in memory, for servers that shall leave nothing behind. It keeps its content as long
// as the object lives, so a server can be stopped and started again on it. There is no crash here:
// everything written is as good as durable.

import { type Disk, DiskError, type DiskFile, type Done, type Durable } from '../../ports/disk.ts'

export class MemoryDisk implements Disk {
  readonly #files = new Map<string, MemoryContent>()
  readonly #directories = new Set<string>(['/'])

  list(directory: string): readonly string[] {
    const prefix = directory.endsWith('/') ? directory : `${directory}/`
    const names: string[] = []
    for (const path of [...this.#files.keys(), ...this.#directories]) {
      const name = path.slice(prefix.length)
      if (path.startsWith(prefix) && name !== '' && !name.includes('/')) names.push(name)
    }
    return names.sort()
  }

  size(path: string): number | null {
    return this.#files.get(path)?.size ?? null
  }

  read(path: string, offset: number, length: number): Uint8Array {
    return this.#content(path, 'read').read(offset, length)
  }

  makeDirectory(path: string): void {
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
      this.#directories.add(path.slice(0, at))
    }
    this.#directories.add(path)
  }

  truncate(path: string, length: number): void {
    this.#content(path, 'truncate').cut(length)
  }

  replace(path: string, content: Uint8Array): void {
    this.#requireDirectoryOf(path, 'write')
    const replaced = new MemoryContent()
    replaced.write(0, content)
    this.#files.set(path, replaced)
  }

  remove(path: string): void {
    this.#content(path, 'remove')
    this.#files.delete(path)
  }

  settleNames(directory: string): void {
    this.#requireDirectory(directory, directory, 'sync')
  }

  move(from: string, to: string): void {
    const content = this.#content(from, 'rename')
    this.#requireDirectoryOf(to, 'rename')
    this.#files.delete(from)
    this.#files.set(to, content)
  }

  create(path: string, done: (error: DiskError | null, file: DiskFile | null) => void): void {
    let file: MemoryFile | null = null
    this.#attempt(
      () => {
        this.#requireDirectoryOf(path, 'create')
        const content = new MemoryContent()
        this.#files.set(path, content)
        file = new MemoryFile(path, content)
      },
      (error) => done(error, file),
    )
  }

  rename(from: string, to: string, done: Done): void {
    this.#attempt(() => this.move(from, to), done)
  }

  unlink(path: string, done: Done): void {
    this.#attempt(() => this.remove(path), done)
  }

  cut(path: string, length: number, done: Done): void {
    this.#attempt(() => this.truncate(path, length), done)
  }

  syncDirectory(directory: string, done: Done): void {
    this.#attempt(() => this.#requireDirectory(directory, directory, 'sync'), done)
  }

  #attempt(act: () => void, done: Done): void {
    try {
      act()
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      soon(() => done(error))
      return
    }
    soon(() => done(null))
  }

  #content(path: string, doing: string): MemoryContent {
    return this.#files.get(path) ?? missing(path, doing)
  }

  #requireDirectoryOf(path: string, doing: string): void {
    this.#requireDirectory(path.slice(0, Math.max(1, path.lastIndexOf('/'))), path, doing)
  }

  #requireDirectory(directory: string, path: string, doing: string): void {
    if (!this.#directories.has(directory)) missing(path, doing)
  }
}

class MemoryFile implements DiskFile {
  readonly path: string
  readonly #content: MemoryContent

  constructor(path: string, content: MemoryContent) {
    this.path = path
    this.#content = content
  }

  write(offset: number, bytes: Uint8Array, _durable: Durable, done: Done): void {
    this.#content.write(offset, bytes)
    soon(() => done(null))
  }

  sync(done: Done): void {
    soon(() => done(null))
  }

  close(done: Done): void {
    soon(() => done(null))
  }
}

/** The bytes of a file; they outlive its name while it is open. */
class MemoryContent {
  size: number = 0
  #bytes = new Uint8Array(0)

  read(offset: number, length: number): Uint8Array {
    return this.#bytes.slice(offset, Math.max(offset, Math.min(offset + length, this.size)))
  }

  write(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2))
      grown.set(this.#bytes.subarray(0, this.size))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, offset)
    if (end > this.size) this.size = end
  }

  cut(length: number): void {
    if (length >= this.size) return
    this.#bytes.fill(0, length, this.size)
    this.size = length
  }
}

/** Completions never come from within the request. */
const soon = (task: () => void): void => queueMicrotask(task)

function missing(path: string, doing: string): never {
  throw new DiskError('ENOENT', path, `cannot ${doing} ${path}: no such file or directory (ENOENT)`)
}
