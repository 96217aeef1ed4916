/**
 * The command line: what can be asked of `zabra`, and how each request is spelled. Statuses: 0 done,
 * 2 for a command line that cannot be understood; the commands add their own.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { resolve } from 'node:path'
import { ExitCode, type LogLevel, logLevels, packageVersion, serve } from '../server/index.ts'
import { type EnsembleStage, ensemble } from './ensemble.ts'
import { PORT_MAX, SERVERS_MAX } from './ensemble-places.ts'
import { wholeNumber } from './whole-number.ts'

interface ServeOptions {
  readonly D: ReadonlyMap<string, string>
  readonly logLevel: LogLevel
}

interface EnsembleOptions {
  readonly port: number
  readonly data: string
  readonly logLevel: LogLevel
}

const program = new Command('zabra')
  .description('A coordination service that is compatible with Apache ZooKeeper 3.9')
  .version(packageVersion(), '-V, --version')
  .exitOverride()
  .showHelpAfterError('(zabra help shows what can be asked)')

program
  .command('serve')
  .description('start a server and stay until it is stopped')
  .argument('[zoo.cfg]', 'configuration file, in the format of ZooKeeper')
  .argument('[more...]', 'instead of a file: clientPort dataDir [tickTime [maxClientCnxns]]')
  .addOption(
    new Option('-D <name=value>', 'a property that the file does not set, such as jute.maxbuffer')
      .argParser(collectProperty)
      .default(new Map(), 'none'),
  )
  .addOption(
    new Option('--log-level <level>', 'the least that is logged')
      .choices(logLevels)
      .default('info'),
  )
  .addHelpText(
    'after',
    `
Without a file it listens on port 2181, keeps its data in ./data and uses a tick of 2000 ms.

Statuses: 0 stopped in order, 1 an unexpected error, 2 a configuration that cannot be used,
3 a data directory that cannot be used, 10 a snapshot that cannot be written.`,
  )
  .action(async (first: string | undefined, more: readonly string[], options: ServeOptions) => {
    const args = first === undefined ? [] : [first, ...more]
    if (args.length > 4) throw usageError('serve takes at most four values')
    const { D: properties, logLevel } = options
    process.exit(await serve({ args, properties, logLevel }))
  })

program
  .command('ensemble')
  .description('start several servers in this terminal, for development')
  .argument('[count]', `how many, 1..${SERVERS_MAX}`, wholeNumber(1, SERVERS_MAX), 3)
  .addOption(
    new Option('--port <port>', 'for clients of the first server; the others follow')
      .argParser(wholeNumber(1, PORT_MAX))
      .default(2181),
  )
  .option('--data <directory>', 'where each server has a directory', './data/ensemble')
  .addOption(
    new Option('--log-level <level>', 'the least that is logged, in a file of each server')
      .choices(logLevels)
      .default('info'),
  )
  .addHelpText(
    'after',
    `
Shows who leads and what each server is until Ctrl+C. Content stays in the directory for the next time.
Beside the ports for clients it takes as many from 707 and 1707 above them: 2888 and 3888, as usual.

Statuses: 0 stopped, 1 an unexpected error or a port in use, 2 a command line that cannot be understood,
3 a data directory that cannot be used.`,
  )
  .action(async (count: number, options: EnsembleOptions) => {
    const { port, data, logLevel } = options
    const request = { count, port, directory: resolve(data), logLevel }
    process.exit(await ensemble(request, thisProcess()))
  })

try {
  if (process.argv.length <= 2) program.help()
  await program.parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? ExitCode.finished : ExitCode.invalidInvocation
}

function collectProperty(
  text: string,
  collected: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError(`${text} is not of the form name=value.`)
  }
  return new Map([...collected, [name, value]])
}

/** Shows on the standard output, and is stopped by SIGINT and SIGTERM. */
function thisProcess(): EnsembleStage {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
  return {
    isTerminal: process.stdout.isTTY === true,
    stop: stop.signal,
    write: (text) => void process.stdout.write(text),
    complain: (text) => void process.stderr.write(`error: ${text}`),
  }
}

function usageError(message: string): CommanderError {
  process.stderr.write(`error: ${message}\n(zabra help serve shows how it is used)\n`)
  return new CommanderError(ExitCode.invalidInvocation, 'zabra.usage', message)
}
