// The disk as the storage code sees it. Two faces: synchronous calls for the start, when nothing
// else runs, and requests with completions for a running server.
//
// What a crash keeps: bytes of a write that completed as durable, and names (created, renamed,
// removed files) only once their directory has been synced. Everything else may be lost, in whole
// or in part. Implementations and the simulator's fake are held to that by one contract suite.

export class DiskError extends Error {
  override readonly name: string = 'DiskError'
  /** The operating system's code: ENOSPC, EIO, ENOENT, EACCES … */
  readonly code: string
  readonly path: string

  constructor(code: string, path: string, message: string) {
    super(message)
    this.code = code
    this.path = path
  }
}

/** Called once for each request, never before the request returns. */
export type Done = (error: DiskError | null) => void

/**
 * How a write is to be durable. `over-zeros`: it is, and whoever asks for it knows that the file has
 * nothing but zeros behind the offset, or nothing. They may be written again, so that a disk can
 * write whole blocks.
 */
export type Durable = boolean | 'over-zeros'

/** A file open for writing. */
export interface DiskFile {
  readonly path: string
  /**
   * Writes all of `bytes` at `offset`. With `durable` the completion says that they (and any size
   * they gave the file) survive a crash. The array must not change until then.
   */
  write(offset: number, bytes: Uint8Array, durable: Durable, done: Done): void
  /** Makes all completed writes durable. */
  sync(done: Done): void
  close(done: Done): void
}

export interface Disk {
  // At start: synchronous, failures are thrown as DiskError.

  /** The names in a directory, sorted; none where it does not exist. */
  list(directory: string): readonly string[]
  /** The size of a file in bytes, or null where there is none. */
  size(path: string): number | null
  /**
   * Up to `length` bytes from `offset`; fewer at the end of the file. They may be put into `room`,
   * of which the result then is a part: whoever reads a long file spares itself new arrays.
   */
  read(path: string, offset: number, length: number, room?: Uint8Array): Uint8Array
  /** Makes a directory and its parents, durably. */
  makeDirectory(path: string): void
  /**
   * Cuts a file to at most `length` bytes. What is left is durable afterwards, whoever wrote it and
   * did not sync it.
   */
  truncate(path: string, length: number): void
  /** Replaces a small file in one step, durably: a reader sees the old content or the new. */
  replace(path: string, content: Uint8Array): void
  /** Removes a file, durably. */
  remove(path: string): void
  /** Makes the names in a directory durable as they are, whoever left them so. */
  settleNames(directory: string): void
  /** Gives a file another name in its directory, durably; what had that name is replaced. */
  move(from: string, to: string): void

  // While running: requests with completions.

  /** Creates a file, or empties one of that name. Its name is durable once the directory is synced. */
  create(path: string, done: (error: DiskError | null, file: DiskFile | null) => void): void
  rename(from: string, to: string, done: Done): void
  unlink(path: string, done: Done): void
  /** As {@link truncate}. Nobody has the file open for writing. */
  cut(path: string, length: number, done: Done): void
  syncDirectory(directory: string, done: Done): void
}
