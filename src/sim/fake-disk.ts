// A simulated disk behind the `Disk` port: names, requests that take their time, faults, crashes.
// It is as nasty as the port's contract allows: bytes and names that were not synced vanish, stay
// or tear when the power goes, and a request that is under way when the process dies may have been
// carried out, in part or not at all. It knows nothing of logs or snapshots.

import { InvariantError, assert } from '../base/assert.ts'
import { crc32 } from '../base/checksum.ts'
import type { Prng } from '../base/prng.ts'
import { type Disk, DiskError, type DiskFile, type Done, type Durable } from '../ports/disk.ts'
import { FakeFile, type Tearing, firstSectors, sectorCount } from './fake-file.ts'
import { Scope, type VirtualClock } from './virtual-clock.ts'

export interface DiskConditions {
  /** How long a request takes, in microseconds. */
  readonly writeUs: readonly [low: number, high: number]
  readonly syncUs: readonly [low: number, high: number]
  /** How often a request takes a hundred times as long. */
  readonly slow: number
  /** How often a write, or a sync, fails. */
  readonly writeError: number
  readonly syncError: number
  readonly capacityBytes: number
  readonly tearing: Tearing
  /** After a failed sync, whether the page cache goes on showing what may not be on the medium. */
  readonly failedSyncKeepsCache: boolean
}

export const CALM_DISK: DiskConditions = {
  writeUs: [20, 200],
  syncUs: [100, 3_000],
  slow: 0,
  writeError: 0,
  syncError: 0,
  capacityBytes: Number.POSITIVE_INFINITY,
  tearing: 'sectors',
  failedSyncKeepsCache: false,
}

/** Ways to break the port's promises, for tests of the simulator itself. */
export interface DiskLies {
  /** Durable writes and syncs complete without effect on the medium. */
  readonly syncDoesNothing?: boolean
  readonly directorySyncDoesNothing?: boolean
}

/** `process`: the program dies, the machine stays up. `power`: the machine goes down. */
export type CrashKind = 'process' | 'power'

/** Thrown out of a synchronous call when the machine dies in its middle. */
export class SimulatedCrash extends Error {
  override readonly name: string = 'SimulatedCrash'
}

export class FakeDisk implements Disk {
  readonly #clock: VirtualClock
  readonly #random: Prng
  readonly #lies: DiskLies
  #conditions: DiskConditions
  #scope = new Scope()

  readonly #directories = new Set<string>()
  readonly #names = new Map<string, FakeFile>()
  readonly #durableNames = new Map<string, FakeFile>()
  #pendingNames: NameChange[] = []
  #inFlight: InFlight[] = []
  #inodes = 0

  #callsUntilCrash = Number.POSITIVE_INFINITY
  #dead = false
  #faults = 0
  #durableChanges = 0
  #durablePaths: readonly string[] | null = null

  constructor(clock: VirtualClock, random: Prng, conditions: DiskConditions, lies: DiskLies = {}) {
    this.#clock = clock
    this.#random = random
    this.#conditions = conditions
    this.#lies = lies
    this.#directories.add('/')
  }

  setConditions(conditions: DiskConditions): void {
    this.#conditions = conditions
  }

  /** Errors that were injected so far. */
  get faults(): number {
    return this.#faults
  }

  /** Rises whenever something may have become durable. */
  get durableChanges(): number {
    return this.#durableChanges
  }

  // Crashes.

  /** The next `calls` synchronous changes succeed, the one after them ends the machine. */
  crashAfterCalls(calls: number): void {
    this.#callsUntilCrash = calls
  }

  /** True after a synchronous call has thrown {@link SimulatedCrash}, until `crash` is called. */
  get isDead(): boolean {
    return this.#dead
  }

  /** Ends everything under way; afterwards the disk is as the next boot finds it. */
  crash(kind: CrashKind): void {
    this.#scope.end()
    this.#scope = new Scope()
    for (const request of this.#inFlight) request.interrupt()
    this.#inFlight = []
    this.#callsUntilCrash = Number.POSITIVE_INFINITY
    this.#dead = false
    if (kind === 'power') this.#losePower()
  }

  /** What a file is sure to hold after the next crash; null where not even its name is sure. */
  durable(path: string): Uint8Array | null {
    return this.#durableNames.get(path)?.durable() ?? null
  }

  /** A number that is another one whenever {@link durable} of the path may be; 0 where that is null. */
  durableMark(path: string): number {
    const file = this.#durableNames.get(path)
    return file === undefined ? 0 : 1 + file.inode * CHANGES_MAX + file.mediumChanges
  }

  /** Files whose names are durable, sorted; the same array as long as they are the same. */
  durablePaths(): readonly string[] {
    this.#durablePaths ??= [...this.#durableNames.keys()].sort()
    return this.#durablePaths
  }

  /** All files as a program sees them, sorted. */
  paths(): readonly string[] {
    return [...this.#names.keys()].sort()
  }

  /** Overwrites bytes on the medium. */
  corrupt(path: string, offset: number, bytes: Uint8Array): void {
    this.#existing(path).corrupt(offset, bytes)
  }

  /** A disk with the same content, all of it durable, to try something on without harm. */
  copy(clock: VirtualClock, random: Prng): FakeDisk {
    const copy = new FakeDisk(clock, random, CALM_DISK)
    for (const directory of this.#directories) copy.#directories.add(directory)
    for (const [path, file] of this.#names) {
      const twin = copy.#newFile()
      twin.writeDurably(0, file.read(0, file.size))
      copy.#names.set(path, twin)
      copy.#durableNames.set(path, twin)
    }
    return copy
  }

  // The synchronous face.

  list(directory: string): readonly string[] {
    const prefix = directory.endsWith('/') ? directory : `${directory}/`
    const names = new Set<string>()
    for (const path of [...this.#names.keys(), ...this.#directories]) {
      if (!path.startsWith(prefix) || path.length === prefix.length) continue
      names.add(path.slice(prefix.length).split('/')[0] as string)
    }
    return [...names].sort()
  }

  size(path: string): number | null {
    return this.#names.get(path)?.size ?? null
  }

  read(path: string, offset: number, length: number): Uint8Array {
    return this.#existing(path).read(offset, length)
  }

  makeDirectory(path: string): void {
    this.#change(() => {
      const parts = path.split('/').filter((part) => part !== '')
      for (let i = 1; i <= parts.length; i++) {
        this.#directories.add(`/${parts.slice(0, i).join('/')}`)
      }
    })
  }

  truncate(path: string, length: number): void {
    const file = this.#existing(path)
    this.#change(() => {
      file.cutDurably(length)
    })
  }

  replace(path: string, content: Uint8Array): void {
    this.#requireDirectory(path)
    this.#requireRoom(path, content.length)
    this.#change(() => {
      const file = this.#newFile()
      file.writeDurably(0, content)
      this.#settleNames(directoryOf(path))
      this.#names.set(path, file)
      this.#durableNames.set(path, file)
      this.#durablePaths = null
    })
  }

  remove(path: string): void {
    this.#existing(path)
    this.#change(() => {
      this.#settleNames(directoryOf(path))
      this.#names.delete(path)
      this.#durableNames.delete(path)
      this.#durablePaths = null
    })
  }

  settleNames(directory: string): void {
    if (!this.#directories.has(directory)) throw missing(directory)
    this.#change(() => this.#settleNames(directory))
  }

  move(from: string, to: string): void {
    const file = this.#existing(from)
    this.#requireDirectory(to)
    this.#change(() => {
      this.#changeName({ directory: directoryOf(to), add: to, remove: from, file })
      this.#settleNames(directoryOf(to))
    })
  }

  // The face with requests.

  create(path: string, done: (error: DiskError | null, file: DiskFile | null) => void): void {
    let file: FakeFile | null = null
    const effect = (): DiskError | null => {
      if (!this.#directories.has(directoryOf(path))) return missing(directoryOf(path))
      file = this.#names.get(path) ?? null
      if (file === null) {
        file = this.#newFile()
        this.#changeName({ directory: directoryOf(path), add: path, remove: null, file })
      } else {
        file.empty()
      }
      return null
    }
    this.#request(`create ${path}`, this.#conditions.writeUs, effect, effect, (error) =>
      done(error, error === null ? this.#open(path, file as FakeFile) : null),
    )
  }

  rename(from: string, to: string, done: Done): void {
    const effect = (): DiskError | null => {
      const file = this.#names.get(from)
      if (file === undefined) return missing(from)
      this.#changeName({ directory: directoryOf(to), add: to, remove: from, file })
      return null
    }
    this.#request(`rename ${from}`, this.#conditions.writeUs, effect, effect, done)
  }

  unlink(path: string, done: Done): void {
    const effect = (): DiskError | null => {
      const file = this.#names.get(path)
      if (file === undefined) return missing(path)
      this.#changeName({ directory: directoryOf(path), add: null, remove: path, file })
      return null
    }
    this.#request(`unlink ${path}`, this.#conditions.writeUs, effect, effect, done)
  }

  cut(path: string, length: number, done: Done): void {
    const effect = (): DiskError | null => {
      const file = this.#names.get(path)
      if (file === undefined) return missing(path)
      if (this.#draw(this.#conditions.syncError)) return failed('EIO', path, 'cut')
      file.cutDurably(length)
      return null
    }
    const interrupt = (): void => {
      this.#names.get(path)?.cutDurably(length)
    }
    this.#request(`cut ${path}`, this.#conditions.syncUs, effect, interrupt, done)
  }

  syncDirectory(directory: string, done: Done): void {
    // Only what had completed when the sync was asked for is covered by it.
    const covered = new Set(this.#pendingNames)
    const effect = (): DiskError | null => {
      if (!this.#directories.has(directory)) return missing(directory)
      if (this.#draw(this.#conditions.syncError)) return failed('EIO', directory, 'sync')
      if (this.#lies.directorySyncDoesNothing !== true) this.#settleNames(directory, covered)
      return null
    }
    this.#request(`sync ${directory}`, this.#conditions.syncUs, effect, effect, done)
  }

  #open(path: string, file: FakeFile): DiskFile {
    let isOpen = true
    const scope = this.#scope
    const check = (): void => {
      assert(isOpen, `${path} is used after it was closed`)
      assert(scope.alive, `${path} is used by a process that is dead`)
    }
    return {
      path,
      write: (offset, bytes, durable, done) => {
        check()
        this.#write(path, file, offset, bytes, durable, done)
      },
      sync: (done) => {
        check()
        this.#sync(path, file, done)
      },
      close: (done) => {
        check()
        isOpen = false
        this.#request(`close ${path}`, [1, 20], noError, noError, done)
      },
    }
  }

  #write(
    path: string,
    file: FakeFile,
    offset: number,
    bytes: Uint8Array,
    durable: Durable,
    done: Done,
  ): void {
    const fingerprint = crc32(0, bytes, 0, bytes.length)
    const effect = (): DiskError | null => {
      if (crc32(0, bytes, 0, bytes.length) !== fingerprint) {
        throw new InvariantError(`bytes for ${path} at ${offset} changed while they were written`)
      }
      if (this.#draw(this.#conditions.writeError)) {
        file.write(offset, firstSectors(offset, bytes, this.#part(offset, bytes)))
        return failed('EIO', path, 'write')
      }
      const room = this.#room() + file.size - offset
      if (bytes.length > room) {
        if (room > 0) file.write(offset, bytes.subarray(0, room))
        this.#faults++
        return failed('ENOSPC', path, 'write')
      }
      if (durable && this.#draw(this.#conditions.syncError)) {
        file.write(offset, bytes)
        this.#failSync(file)
        return failed('EIO', path, 'sync')
      }
      if (durable && this.#lies.syncDoesNothing !== true) file.writeDurably(offset, bytes)
      else file.write(offset, bytes)
      return null
    }
    const interrupt = (): void => {
      file.write(offset, firstSectors(offset, bytes, this.#part(offset, bytes)))
    }
    const times = durable ? this.#conditions.syncUs : this.#conditions.writeUs
    this.#request(`write ${path} ${offset} ${bytes.length}`, times, effect, interrupt, done)
  }

  #sync(path: string, file: FakeFile, done: Done): void {
    const covered = file.pendingCount
    const effect = (): DiskError | null => {
      if (this.#draw(this.#conditions.syncError)) {
        this.#failSync(file)
        return failed('EIO', path, 'sync')
      }
      if (this.#lies.syncDoesNothing !== true) file.sync(covered)
      return null
    }
    const interrupt = (): void => file.sync(this.#random.below(covered + 1))
    this.#request(`sync ${path}`, this.#conditions.syncUs, effect, interrupt, done)
  }

  // Requests.

  /**
   * Carries out `effect` after a while and tells the caller a little later, so that a crash can
   * fall between the two. `interrupt` is what a crash before that may have brought about.
   */
  #request(
    label: string,
    times: readonly [low: number, high: number],
    effect: () => DiskError | null,
    interrupt: () => void,
    done: Done,
  ): void {
    const random = this.#random
    let delayUs = random.between(times[0], times[1])
    if (random.chance(this.#conditions.slow)) delayUs *= 100
    const request: InFlight = {
      interrupt: () => {
        if (random.chance(0.5)) interrupt()
      },
    }
    this.#inFlight.push(request)
    this.#clock.after(delayUs, label, this.#scope, () => {
      this.#inFlight.splice(this.#inFlight.indexOf(request), 1)
      this.#durableChanges++
      const error = effect()
      const tellUs = random.chance(0.8) ? random.below(30) : random.below(3_000)
      this.#clock.after(tellUs, 'disk tells', this.#scope, () => done(error))
    })
  }

  #change(effect: () => void): void {
    if (this.#dead) throw new SimulatedCrash('the machine is down')
    if (this.#callsUntilCrash <= 0) {
      this.#dead = true
      if (this.#random.chance(0.5)) effect()
      throw new SimulatedCrash('the machine goes down')
    }
    this.#callsUntilCrash--
    this.#durableChanges++
    effect()
  }

  #draw(probability: number): boolean {
    if (!this.#random.chance(probability)) return false
    this.#faults++
    return true
  }

  #part(offset: number, bytes: Uint8Array): number {
    return this.#random.below(sectorCount(offset, bytes.length) + 1)
  }

  #failSync(file: FakeFile): void {
    const { tearing, failedSyncKeepsCache } = this.#conditions
    file.failSync(this.#random, tearing, failedSyncKeepsCache)
  }

  // Names.

  #changeName(change: NameChange): void {
    applyName(this.#names, change)
    this.#pendingNames.push(change)
  }

  /** Makes changes of names in a directory durable; all of them, or those that are `covered`. */
  #settleNames(directory: string, covered: ReadonlySet<NameChange> | null = null): void {
    const rest: NameChange[] = []
    this.#durablePaths = null
    for (const change of this.#pendingNames) {
      const isMeant =
        change.directory === directory ||
        (change.remove !== null && directoryOf(change.remove) === directory)
      if (isMeant && (covered === null || covered.has(change))) {
        applyName(this.#durableNames, change)
      } else {
        rest.push(change)
      }
    }
    this.#pendingNames = rest
  }

  #losePower(): void {
    const random = this.#random
    // A journal keeps the changes up to some point; other systems keep any of them.
    const inOrder = random.chance(0.5)
    this.#durablePaths = null
    const kept = random.below(this.#pendingNames.length + 1)
    this.#pendingNames.forEach((change, index) => {
      if (inOrder ? index < kept : random.chance(0.5)) applyName(this.#durableNames, change)
    })
    this.#pendingNames = []
    for (const file of new Set(this.#durableNames.values())) {
      file.losePower(random, this.#conditions.tearing)
    }
    this.#names.clear()
    for (const [path, file] of this.#durableNames) this.#names.set(path, file)
  }

  #newFile(): FakeFile {
    return new FakeFile(this.#inodes++)
  }

  #existing(path: string): FakeFile {
    const file = this.#names.get(path)
    if (file === undefined) throw missing(path)
    return file
  }

  #requireDirectory(path: string): void {
    if (!this.#directories.has(directoryOf(path))) throw missing(directoryOf(path))
  }

  #requireRoom(path: string, bytes: number): void {
    if (bytes > this.#room()) throw failed('ENOSPC', path, 'write')
  }

  /** Bytes that still fit on the disk. */
  #room(): number {
    let used = 0
    for (const file of this.#names.values()) used += file.size
    return this.#conditions.capacityBytes - used
  }
}

interface InFlight {
  readonly interrupt: () => void
}

interface NameChange {
  readonly directory: string
  readonly add: string | null
  readonly remove: string | null
  readonly file: FakeFile
}

function applyName(names: Map<string, FakeFile>, change: NameChange): void {
  if (change.remove !== null && names.get(change.remove) === change.file)
    names.delete(change.remove)
  if (change.add !== null) names.set(change.add, change.file)
}

/** No file is changed more often. */
const CHANGES_MAX = 2 ** 30

const noError = (): null => null

const directoryOf = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))

const missing = (path: string): DiskError => new DiskError('ENOENT', path, `${path} does not exist`)

const failed = (code: string, path: string, what: string): DiskError =>
  new DiskError(code, path, `${what} of ${path} failed: ${code}`)
