/** Starts Apache ZooKeeper standalone, as its own start script would, with a small heap. */
import { javaClassPath } from './cache.ts'
import { type ServerOptions, type ServerUnderTest, startServer } from './server-under-test.ts'

export interface ApacheOptions extends ServerOptions {
  /** Options of the Java machine, for example `-Xmx4g`. */
  readonly javaOptions?: readonly string[]
}

// Short-lived servers: quick to start, and content with two cores shared by several of them.
const quickJava = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto']

export function startApache(options: ApacheOptions = {}): Promise<ServerUnderTest> {
  return startServer(
    (configPath) => ({
      kind: 'apache',
      command: 'java',
      args: [
        ...quickJava,
        ...(options.javaOptions ?? []),
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        '-Dzookeeper.jmx.log4j.disable=true',
        '-cp',
        javaClassPath,
        'org.apache.zookeeper.server.ZooKeeperServerMain',
        configPath,
      ],
    }),
    options,
  )
}
