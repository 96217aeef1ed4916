// The statuses with which a server ends, as ZooKeeper 3.9 numbers them (`ExitCode`), and the errors
// that lead to each. Scripts and supervisors go by the number, people by the sentence.

export const ExitCode = {
  /** An orderly stop. */
  finished: 0,
  unexpectedError: 1,
  /** The command line or the configuration cannot be used. */
  invalidInvocation: 2,
  /** The data directories cannot be made, read or locked. */
  dataDirectory: 3,
  /** A snapshot cannot be written. */
  snapshot: 10,
} as const

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode]

/** Why a server did not start, or ended by itself. */
export class ServerError extends Error {
  override readonly name: string = 'ServerError'
  readonly code: string
  readonly exitCode: ExitCode

  constructor(code: string, exitCode: ExitCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.exitCode = exitCode
  }
}
