/**
 * The command line: what can be asked of `zabra`, and how each request is spelled. Statuses: 0 done,
 * 2 for a command line that cannot be understood; the commands add their own.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { ExitCode, type LogLevel, logLevels, packageVersion, serve } from '../server/index.ts'

interface ServeOptions {
  readonly D: ReadonlyMap<string, string>
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

function usageError(message: string): CommanderError {
  process.stderr.write(`error: ${message}\n(zabra help serve shows how it is used)\n`)
  return new CommanderError(ExitCode.invalidInvocation, 'zabra.usage', message)
}
