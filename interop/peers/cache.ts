/**
 * Where `setup.ts` leaves the foreign programs, and whether they are there.
 * Knows paths and the one rule about absence: a developer may lack a peer (the tests that need it
 * are skipped and say why), continuous integration may not. Refuses to know how a peer is fetched.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const interopDirectory: string = join(import.meta.dirname, '..')
export const repositoryDirectory: string = join(interopDirectory, '..')
export const cacheDirectory: string = join(interopDirectory, '.cache')

export const libraryDirectory: string = join(cacheDirectory, 'java', 'lib')
export const library38Directory: string = join(cacheDirectory, 'java-3.8', 'lib')
export const javaClassesDirectory: string = join(cacheDirectory, 'java', 'classes')
export const kazooPython: string = join(cacheDirectory, 'venv', 'bin', 'python')
/** Another build can be tried with ZABRA_INTEROP_EXECUTABLE; `bin/zabra` runs the one in `dist`. */
export const zabraExecutable: string =
  process.env['ZABRA_INTEROP_EXECUTABLE'] ?? join(repositoryDirectory, 'bin', 'zabra')

/** Our own compiled programs first, then everything that Maven brought. */
export const javaClassPath: string = `${javaClassesDirectory}:${join(libraryDirectory, '*')}`

/** The server of the line before 3.9, on its own. */
export const java38ClassPath: string = join(library38Directory, '*')

export type FetchedPeer = 'java' | 'java-3.8' | 'kazoo'
export type PeerName = FetchedPeer | 'zabra'

/** A file that `setup.ts` writes when a peer is complete, with what it was made from. */
export function stampPath(peer: FetchedPeer): string {
  return join(cacheDirectory, `${peer}.stamp`)
}

export function readStamp(peer: FetchedPeer): string | null {
  const path = stampPath(peer)
  return existsSync(path) ? readFileSync(path, 'utf8') : null
}

/**
 * Tells which of the named peers are absent, as one sentence, or null when all are here.
 * With CI=true or ZABRA_INTEROP_REQUIRED=1 absence is an error instead of a reason to skip.
 */
export function absence(...peers: readonly PeerName[]): string | null {
  const reasons = peers.flatMap((peer) => (isPresent(peer) ? [] : [reasonOf[peer]]))
  if (reasons.length === 0) return null
  const sentence = reasons.join('; ')
  if (process.env['CI'] === 'true' || process.env['ZABRA_INTEROP_REQUIRED'] === '1') {
    throw new Error(`A peer is required here but absent: ${sentence}`)
  }
  return sentence
}

const reasonOf: Readonly<Record<PeerName, string>> = {
  java: 'Apache ZooKeeper is not set up (run: npx tsx interop/setup.ts)',
  'java-3.8': 'Apache ZooKeeper 3.8 is not set up (run: npx tsx interop/setup.ts)',
  kazoo: 'kazoo is not set up (run: npx tsx interop/setup.ts)',
  zabra: 'Zabra is not built (run: npm run build)',
}

function isPresent(peer: PeerName): boolean {
  if (peer !== 'zabra') return readStamp(peer) !== null
  return existsSync(join(repositoryDirectory, 'dist', 'cli', 'main.js'))
}
