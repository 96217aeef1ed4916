// What the process knows of itself and its machine, under the names that ZooKeeper's `envi` and
// `mntr` give it. Where Java has a value and Node does not, it is `<NA>`.

import { readFileSync, readdirSync } from 'node:fs'
import * as os from 'node:os'

const NOT_AVAILABLE = '<NA>'

/** In the order in which `envi` prints them. */
export function environmentEntries(version: string): readonly (readonly [string, string])[] {
  const memory = process.memoryUsage()
  return [
    ['zookeeper.version', version],
    ['host.name', os.hostname()],
    ['java.version', NOT_AVAILABLE],
    ['java.vendor', NOT_AVAILABLE],
    ['java.home', NOT_AVAILABLE],
    ['java.class.path', NOT_AVAILABLE],
    ['java.library.path', NOT_AVAILABLE],
    ['java.io.tmpdir', os.tmpdir()],
    ['java.compiler', NOT_AVAILABLE],
    ['os.name', os.type()],
    ['os.arch', os.arch()],
    ['os.version', os.release()],
    ['user.name', userName()],
    ['user.home', os.homedir()],
    ['user.dir', process.cwd()],
    ['os.memory.free', megabytes(memory.heapTotal - memory.heapUsed)],
    ['os.memory.max', megabytes(os.totalmem())],
    ['os.memory.total', megabytes(memory.rss)],
  ]
}

/** Null where the system does not tell. */
export function openFileDescriptorCount(): number | null {
  try {
    // Reading the folder opens it, which is one of those counted.
    return readdirSync('/proc/self/fd').length - 1
  } catch {
    return null
  }
}

/** Null where the system does not tell. */
export function maxFileDescriptorCount(): number | null {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1')
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1]
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}

/** A user without an entry in the system's table, as in many containers, has no name. */
function userName(): string {
  try {
    return os.userInfo().username
  } catch {
    return NOT_AVAILABLE
  }
}

function megabytes(bytes: number): string {
  return `${Math.floor(bytes / (1 << 20))}MB`
}
