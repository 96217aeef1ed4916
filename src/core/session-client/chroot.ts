// A chroot exists on the client's side only: it stands before every path that is sent and is taken
// off every path that comes back (ZooKeeper 3.9 `ZooKeeper.prependChroot`). No chroot is ''.

import { pathProblem } from '../../base/path.ts'

/** Makes a chroot from what was written behind the hosts or given as an option: `/` means none. */
export function chrootOf(path: string): string {
  return path === '/' ? '' : path
}

export function chrootProblem(path: string): string | null {
  return path === '' ? null : pathProblem(path)
}

export function toServerPath(chroot: string, path: string): string {
  if (chroot === '') return path
  return path === '/' ? chroot : chroot + path
}

/** Paths outside the chroot (events under `/zookeeper`) are passed on as they are. */
export function toClientPath(chroot: string, path: string): string {
  if (chroot === '' || !path.startsWith(chroot)) return path
  if (path.length === chroot.length) return '/'
  return path.charCodeAt(chroot.length) === SLASH ? path.slice(chroot.length) : path
}

const SLASH = 0x2f
