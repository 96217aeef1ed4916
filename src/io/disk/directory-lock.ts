// Keeps a second server away from a data directory. Apache ZooKeeper has no such lock and takes no
// notice of ours.
//
// Each server puts a file of its own into the directory, named `zabra-lock.` and something random,
// complete from the moment it is there, and only then looks at the files of others: whoever comes
// second sees the first, and withdraws. A file whose owner is gone is removed by anyone; as names
// are never used twice, that can never hit a lock that somebody has just taken. (A single name,
// taken by O_EXCL, has no safe way to be taken over from the dead.)
//
// Is the owner gone?
// - On this machine (same boot, same process namespace) the system is asked. A process number may
//   have been given to another process since, so the time at which the process began must be the
//   same too, where the system tells it (Linux).
// - Otherwise (another machine, another container, before the last reboot) nobody can be asked, so
//   the file itself is watched: an owner that lives touches its file every second.
//
// An owner that was believed dead and comes back finds its file gone, and must end.

import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

export class DirectoryLockedError extends Error {
  override readonly name: string = 'DirectoryLockedError'
  readonly code = 'DIRECTORY_LOCKED'
  readonly directory: string

  constructor(directory: string, owner: Owner, file: string) {
    super(
      `${directory} is in use by another server: process ${owner.pid} on ${owner.host} ` +
        `(since ${owner.since}). Stop that one first, or give this one a directory of its own. ` +
        `If it is certain that no such server runs, remove ${file}.`,
    )
    this.directory = directory
  }
}

export interface DirectoryLock {
  /** Gives the directory free. Safe to call twice. */
  release(): void
}

export interface LockTimes {
  /** How often the owner shows that it lives. */
  readonly beatMs: number
  /** How long an unknown owner's file is watched for such a sign. */
  readonly watchMs: number
  /** A file not touched for so long, by the file system's own clock, needs no watching. */
  readonly deadAfterMs: number
}

export const LOCK_TIMES: LockTimes = { beatMs: 1_000, watchMs: 3_500, deadAfterMs: 30_000 }

/**
 * Locks a directory for this process, which exists. Rejects with {@link DirectoryLockedError} where
 * a server holds it. `onLost` is called, once, if the lock is found to be gone: somebody believed
 * us dead, and the server must end at once.
 */
export async function lockDirectory(
  directory: string,
  onLost: () => void,
  times: LockTimes = LOCK_TIMES,
): Promise<DirectoryLock> {
  const path = join(directory, `${PREFIX}${randomBytes(8).toString('hex')}`)
  const draft = join(directory, `${DRAFT_PREFIX}${randomBytes(8).toString('hex')}`)
  const content = `${JSON.stringify(self())}\n`
  fs.writeFileSync(draft, content)
  fs.renameSync(draft, path)
  try {
    for (const other of otherLocks(directory, path))
      await refuseLiving(directory, path, other, times)
  } catch (error) {
    fs.rmSync(path, { force: true })
    throw error
  }
  return new HeldLock(path, content, onLost, times.beatMs)
}

class HeldLock implements DirectoryLock {
  readonly #path: string
  readonly #content: string
  readonly #onLost: () => void
  readonly #timer: NodeJS.Timeout
  #isHeld = true

  constructor(path: string, content: string, onLost: () => void, beatMs: number) {
    this.#path = path
    this.#content = content
    this.#onLost = onLost
    this.#timer = setInterval(() => void this.#beat(), beatMs)
    this.#timer.unref()
  }

  release(): void {
    if (!this.#isHeld) return
    this.#stop()
    fs.rmSync(this.#path, { force: true })
  }

  /** Writes the same again, so that the time of the change is the file system's own. */
  async #beat(): Promise<void> {
    try {
      const file = await fs.promises.open(this.#path, 'r+')
      try {
        await file.write(this.#content, 0)
      } finally {
        await file.close()
      }
    } catch (error) {
      // A disk in trouble is found by those who write data to it.
      if (codeOf(error) !== 'ENOENT' || !this.#isHeld) return
      this.#stop()
      this.#onLost()
    }
  }

  #stop(): void {
    this.#isHeld = false
    clearInterval(this.#timer)
  }
}

/** What a lock file says of its owner. */
interface Owner {
  readonly pid: number
  readonly host: string
  /** When the process began, in the system's own count; null where it does not tell. */
  readonly start: string | null
  /** Which boot of which machine, and which process namespace; null where it does not tell. */
  readonly realm: string | null
  readonly since: string
}

function self(): Owner {
  return {
    pid: process.pid,
    host: hostname(),
    start: processStatus(process.pid)?.start ?? null,
    realm: realm(),
    since: new Date().toISOString(),
  }
}

function otherLocks(directory: string, own: string): string[] {
  return fs
    .readdirSync(directory)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(directory, name))
    .filter((path) => path !== own)
}

/** Returns once the file is gone, throws where its owner lives. */
async function refuseLiving(
  directory: string,
  own: string,
  path: string,
  times: LockTimes,
): Promise<void> {
  const owner = readOwner(path)
  if (owner === null) return
  if (await isAlive(owner, own, path, times)) throw new DirectoryLockedError(directory, owner, path)
  fs.rmSync(path, { force: true })
}

async function isAlive(
  owner: Owner,
  own: string,
  path: string,
  times: LockTimes,
): Promise<boolean> {
  if (owner.host === hostname() && owner.realm === realm()) return isRunning(owner)
  const touched = touchedMs(path)
  const now = touchedMs(own)
  if (touched === null) return false
  if (now !== null && now - touched > times.deadAfterMs) return false
  await new Promise((resolve) => setTimeout(resolve, times.watchMs))
  const later = touchedMs(path)
  return later !== null && later !== touched
}

function isRunning(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: it runs, as another user.
    if (codeOf(error) === 'ESRCH') return false
  }
  const status = processStatus(owner.pid)
  if (status === null) return true
  const isSame = owner.start === null || status.start === owner.start
  return isSame && !status.isDead
}

/** Null where the file is gone by now; whatever else is in it is somebody who cannot be asked. */
function readOwner(path: string): Owner | null {
  let text: string
  try {
    text = fs.readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
  try {
    const owner = JSON.parse(text) as Owner
    if (Number.isSafeInteger(owner.pid) && owner.pid > 0) return owner
  } catch {
    // Told apart below.
  }
  return { pid: 0, host: 'an unknown machine', start: null, realm: 'unknown', since: 'unknown' }
}

function touchedMs(path: string): number | null {
  return fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null
}

/** From the status line of a process (proc(5)): field 3 is its state, field 22 when it began. */
function processStatus(pid: number): { start: string | null; isDead: boolean } | null {
  const line = readOrNull(`/proc/${pid}/stat`)
  if (line === null) return null
  // The second field is the program's name in parentheses, which may hold anything.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  // Dead, but not yet collected by its parent.
  return { start: fields[19] ?? null, isDead: fields[0] === 'Z' || fields[0] === 'X' }
}

function realm(): string | null {
  const boot = readOrNull('/proc/sys/kernel/random/boot_id')
  if (boot === null) return null
  try {
    return `${boot.trim()} ${fs.readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return boot.trim()
  }
}

function readOrNull(path: string): string | null {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code

const PREFIX = 'zabra-lock.'
const DRAFT_PREFIX = 'zabra-draft.'
