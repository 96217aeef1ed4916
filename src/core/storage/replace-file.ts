// Small files that a server changes while it runs: each gets its new content in one step, durably,
// and one after the other, so that two changes of one file never meet. What is in them is not known
// here.

import { DiskError, type Disk, type Done } from '../../ports/disk.ts'

export class FileReplacer {
  readonly #disk: Disk
  readonly #waiting: Array<() => void> = []
  #isBusy = false

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** A reader sees the old content or the new; when it is done, the new one survives a crash. */
  replace(path: string, content: Uint8Array, done: Done): void {
    this.#run((end) => replaceFile(this.#disk, path, content, end), done)
  }

  /** Removes a file, durably; it may be gone already. */
  remove(path: string, done: Done): void {
    this.#run((end) => {
      this.#disk.unlink(path, (error) => {
        if (error !== null) end(error.code === 'ENOENT' ? null : error)
        else this.#disk.syncDirectory(directoryOf(path), end)
      })
    }, done)
  }

  #run(task: (end: Done) => void, done: Done): void {
    const start = (): void => {
      this.#isBusy = true
      task((error) => {
        this.#isBusy = false
        this.#waiting.shift()?.()
        done(error)
      })
    }
    if (this.#isBusy) this.#waiting.push(start)
    else start()
  }
}

/** As ZooKeeper 3.9 `AtomicFileOutputStream`, and the directory is synced besides. */
function replaceFile(disk: Disk, path: string, content: Uint8Array, done: Done): void {
  const draft = `${path}.tmp`
  const next =
    (then: () => void): Done =>
    (error) => {
      if (error !== null) done(error)
      else then()
    }
  const syncName = (): void => disk.syncDirectory(directoryOf(path), done)
  const rename = (): void => disk.rename(draft, path, next(syncName))
  disk.create(draft, (error, file) => {
    if (file === null) return done(error ?? new DiskError('UNKNOWN', draft, 'no file was made'))
    const close = (): void => file.close(next(rename))
    if (content.length === 0) close()
    else file.write(0, content, true, next(close))
  })
}

export const directoryOf = (path: string): string =>
  path.slice(0, Math.max(1, path.lastIndexOf('/')))
