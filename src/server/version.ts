// How the server names its version. Monitors read the first three numbers and decide by them what
// it can do, so they are those of the ZooKeeper whose behaviour it has.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export const compatibleVersion = '3.9.5'

/** Zabra's own version, from the package. */
export function packageVersion(): string {
  const path = join(import.meta.dirname, '..', '..', 'package.json')
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}

/** `3.9.5-zabra-0.1.0, built on 2026-01-15 09:12 UTC` */
export function versionLine(): string {
  const built = statSync(import.meta.filename).mtime.toISOString()
  const minute = `${built.slice(0, 10)} ${built.slice(11, 16)}`
  return `${compatibleVersion}-zabra-${packageVersion()}, built on ${minute} UTC`
}
