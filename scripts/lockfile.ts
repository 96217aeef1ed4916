/**
 * Completes package-lock.json. Where the registry that npm talked to lacks the packages that tools
 * publish for other platforms, npm leaves them out of the lock file, and `npm ci` then refuses it
 * everywhere. Each one gets the entry that it would have: its version is the one that its tool asks
 * for, its platform is in its name.
 *
 *   npm run lockfile
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

interface LockEntry {
  readonly version?: string
  readonly dev?: boolean
  readonly optional?: boolean
  readonly os?: readonly string[]
  readonly cpu?: readonly string[]
  readonly libc?: readonly string[]
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

interface Lock {
  packages: Record<string, LockEntry>
}

const lockPath = join(import.meta.dirname, '..', 'package-lock.json')

const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const processors = ['arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'x64']

/** The lock file as it should be; the same text where nothing is missing. */
export function completed(text: string): string {
  const lock = JSON.parse(text) as Lock
  const added = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.entries(entry.optionalDependencies ?? {})
      .filter(([name]) => !isPresent(lock, path, name))
      .map(([name, version]) => [`node_modules/${name}`, entryOf(name, version, entry)] as const),
  )
  if (added.length === 0) return text
  const [root, ...rest] = [...Object.entries(lock.packages), ...added]
  rest.sort(([left], [right]) => left.localeCompare(right, 'en'))
  lock.packages = Object.fromEntries(root === undefined ? rest : [root, ...rest])
  return `${JSON.stringify(lock, null, 2)}\n`
}

/** A package may be found in the folder of the one that asks, or in any above it. */
function isPresent(lock: Lock, path: string, name: string): boolean {
  const parts = path.split('/node_modules/')
  return (
    lock.packages[`node_modules/${name}`] !== undefined ||
    parts.some((_, count) => {
      const above = parts.slice(0, count + 1).join('/node_modules/')
      return lock.packages[`${above}/node_modules/${name}`] !== undefined
    })
  )
}

function entryOf(name: string, version: string, parent: LockEntry): LockEntry {
  const words = name.split(/[/-]/)
  const os = systems.filter((system) => words.includes(system))
  const cpu = processors.filter((processor) => words.includes(processor)).slice(0, 1)
  const libc = words.some((word) => word.startsWith('musl'))
    ? ['musl']
    : words.some((word) => word.startsWith('gnu'))
      ? ['glibc']
      : []
  return {
    version,
    ...(cpu.length > 0 && { cpu }),
    ...(parent.dev === true && { dev: true }),
    ...(libc.length > 0 && { libc }),
    optional: true,
    ...(os.length > 0 && { os }),
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(lockPath, completed(readFileSync(lockPath, 'utf8')))
}
