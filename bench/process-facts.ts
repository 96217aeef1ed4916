// What the operating system knows of a process: its resident memory, and who listens on a port.
// Linux only; elsewhere the answers are null and the figures that need them are left out.

import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

export function residentBytes(pid: number): number | null {
  const status = readText(`/proc/${pid}/status`)
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1]
  return kibibytes === undefined ? null : Number(kibibytes) * 1024
}

/** The process that listens on a TCP port of this machine. */
export function listenerOf(port: number): number | null {
  const inode = listeningInode('/proc/net/tcp', port) ?? listeningInode('/proc/net/tcp6', port)
  if (inode === null) return null
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (hasSocket(pid, inode)) return Number(pid)
  }
  return null
}

function listeningInode(table: string, port: number): string | null {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  for (const line of (readText(table) ?? '').split('\n').slice(1)) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    if (state === '0A' && local?.endsWith(`:${wanted}`) === true) return inode ?? null
  }
  return null
}

function hasSocket(pid: string, inode: string): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some(
      (descriptor) => linkOf(`/proc/${pid}/fd/${descriptor}`) === `socket:[${inode}]`,
    )
  } catch {
    return false
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
