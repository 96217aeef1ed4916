/**
 * A server as the whole business of a process: from a configuration file on disk to an exit status.
 * It reacts to signals, and turns every way to fail into a sentence and a number.
 */
import { readFileSync } from 'node:fs'
import type { Logger } from '../ports/logger.ts'
import { ConfigError, type CheckedConfig, checkConfig } from './config/config.ts'
import type { ConfigSource } from './config/read-config.ts'
import { ExitCode, type ServerError } from './exit-code.ts'
import { type LogLevel, makeLogger } from './logging.ts'
import { type Server, startServer } from './server.ts'
import { failureOf } from './start-failure.ts'
import { packageVersion } from './version.ts'

export interface ServeRequest {
  /**
   * As ZooKeeper's main class: nothing for the defaults, the path of a configuration file, or two to
   * four values: client port, data directory, tick time, connections from one address.
   */
  readonly args: readonly string[]
  /** `-Dname=value`. */
  readonly properties: ReadonlyMap<string, string>
  readonly logLevel: LogLevel
}

/** Serves until it is told to stop; the status to end the process with. */
export async function serve(request: ServeRequest): Promise<ExitCode> {
  const isTerminal = process.stdout.isTTY === true
  let checked: CheckedConfig
  try {
    checked = checkConfig(sourceOf(request))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    complain('Invalid config, exiting abnormally', error.problems)
    return ExitCode.invalidInvocation
  }

  const logger = await makeLogger(request.logLevel, isTerminal)
  const { config, remarks } = checked
  for (const { level, message } of remarks) logger[level](message)
  dieOfTheUnexpected(logger)
  const signals = new StopSignals(logger)
  let server: Server
  try {
    server = await startServer({ config, logger })
  } catch (error) {
    const failure = failureOf(error)
    logger.error(failure.message, { code: failure.code, status: failure.exitCode })
    return endedBy(failure)
  }
  signals.onStop(() => server.stop())
  if (isTerminal && request.args.length === 0) greet(config.dataDir, server.port)
  const failure = await server.ended
  if (failure !== null) return endedBy(failure)
  logger.info('stopped')
  return ExitCode.finished
}

function sourceOf({ args, properties }: ServeRequest): ConfigSource {
  const [first, ...rest] = args
  if (first === undefined) {
    return {
      name: 'defaults',
      text: 'clientPort=2181\ndataDir=./data\ntickTime=2000\n',
      properties,
    }
  }
  if (rest.length === 0) {
    return { name: first, file: first, text: readConfigFile(first), properties }
  }
  const keys = ['clientPort', 'dataDir', 'tickTime', 'maxClientCnxns']
  const lines = args.map((value, index) => `${keys[index]}=${value.replaceAll('\\', '\\\\')}\n`)
  return { name: 'command line', text: lines.join(''), properties }
}

/** Such files are Latin-1 by definition; anything else is written with escapes. */
function readConfigFile(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'ENOENT' ? `${path} file is missing` : message
    throw new ConfigError([`Error processing ${path}`, reason])
  }
}

function endedBy(failure: ServerError): ExitCode {
  if (failure.exitCode === ExitCode.dataDirectory) {
    complain('Unable to access datadir, exiting abnormally', [failure.message])
  } else if (process.stdout.isTTY !== true) {
    complain(failure.message, [])
  }
  return failure.exitCode
}

function complain(headline: string, sentences: readonly string[]): void {
  process.stderr.write(`${[headline, ...sentences.map((one) => `  ${one}`)].join('\n')}\n`)
}

function greet(dataDir: string, port: number | null): void {
  process.stderr.write(
    `\nZabra ${packageVersion()} serves ZooKeeper clients on port ${port}; data in ${dataDir}\n` +
      `  look at it:   echo srvr | nc 127.0.0.1 ${port}\n` +
      '  configure it: zabra serve zoo.cfg\n' +
      '  stop it:      Ctrl+C\n\n',
  )
}

/** A mistake of ours: the state may be wrong, so nothing is saved and nothing is awaited. */
function dieOfTheUnexpected(logger: Logger): void {
  const die = (error: unknown): void => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    logger.error(`Severe unrecoverable error: ${text}`)
    process.exit(ExitCode.unexpectedError)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', die)
}

/** SIGTERM and SIGINT stop the server, also those that came while it was starting. */
class StopSignals {
  readonly #logger: Logger
  #received = false
  #stop: (() => Promise<void>) | null = null

  constructor(logger: Logger) {
    this.#logger = logger
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => this.#onSignal(signal))
    }
  }

  onStop(stop: () => Promise<void>): void {
    this.#stop = stop
    if (this.#received) void stop()
  }

  #onSignal(signal: 'SIGTERM' | 'SIGINT'): void {
    this.#logger.info(`received ${signal}, stopping`)
    this.#received = true
    if (this.#stop !== null) void this.#stop()
  }
}
