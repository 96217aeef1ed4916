// The public entry `zabra/server`: a server inside any program, and what its options are made of.

export { ConfigError, checkConfig } from './config/config.ts'
export type { CheckedConfig, ServerConfig } from './config/config.ts'
export type { ConfigSource, Remark } from './config/read-config.ts'
export { ExitCode, ServerError } from './exit-code.ts'
export { logLevels, makeLogger } from './logging.ts'
export type { LogLevel } from './logging.ts'
export { serve } from './serve.ts'
export type { ServeRequest } from './serve.ts'
export { startServer } from './server.ts'
export type { Server, ServerOptions } from './server.ts'
export type { ListenPlace, ServerNetwork, ServerPorts } from './server-ports.ts'
export { compatibleVersion, packageVersion } from './version.ts'
