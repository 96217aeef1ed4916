// From an error of any part to the reason that a person reads and the status that a script reads.

import { StorageError } from '../core/storage/storage-error.ts'
import { DiskError } from '../ports/disk.ts'
import { ExitCode, ServerError } from './exit-code.ts'

export function failureOf(error: unknown): ServerError {
  if (error instanceof ServerError) return error
  if (error instanceof DiskError) return ofDisk(error)
  if (error instanceof StorageError) {
    return new ServerError(error.code, ExitCode.unexpectedError, error.message, error)
  }
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL') {
    return new ServerError(code, ExitCode.unexpectedError, ofPort(code, message), error)
  }
  const text = error instanceof Error ? (error.stack ?? message) : String(error)
  return new ServerError(code ?? 'UNEXPECTED', ExitCode.unexpectedError, text, error)
}

function ofDisk(error: DiskError): ServerError {
  const isSnapshot = /(^|\/)snapshot\.[^/]*$/.test(error.path)
  const exitCode = isSnapshot ? ExitCode.snapshot : ExitCode.unexpectedError
  const advice =
    error.code === 'ENOSPC' || error.code === 'EDQUOT'
      ? 'The disk is full: make room, then start the server again. '
      : ''
  const loss = 'Nothing that was acknowledged is lost.'
  return new ServerError(error.code, exitCode, `${error.message}. ${advice}${loss}`, error)
}

function ofPort(code: string, message: string): string {
  if (code === 'EADDRINUSE') {
    return `the client port is in use, perhaps by another server on this machine (${message})`
  }
  if (code === 'EADDRNOTAVAIL') return `clientPortAddress is not an address here (${message})`
  return `the client port may not be opened by this user (${message})`
}
