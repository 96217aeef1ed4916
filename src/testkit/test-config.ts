// The configuration of servers in a test, made from a few options and from settings by their names
// in `zoo.cfg`: short ticks, short sessions, nothing refused that a test may want.

import { type ServerConfig, checkConfig } from '../server/config/config.ts'
import type { ConfigFiles } from '../server/config/read-config.ts'

export type Settings = Readonly<Record<string, string | number | boolean>>

export interface TestConfigOptions {
  readonly storage?: 'memory' | 'temporary'
  readonly tickTime?: number
  readonly settings?: Settings
}

/** Milliseconds. */
export const TICK_TIME = 100

/** `more` are settings that this kind of server needs; the caller's own come after them. */
export function testConfig(
  options: TestConfigOptions,
  dataDir: string,
  more: Settings = {},
  files?: ConfigFiles,
): ServerConfig {
  const { tickTime = TICK_TIME, storage = 'memory', settings = {} } = options
  const lines: Settings = {
    dataDir,
    tickTime,
    clientPort: 2181,
    clientPortAddress: '127.0.0.1',
    minSessionTimeout: 2 * tickTime,
    maxSessionTimeout: 60_000,
    maxClientCnxns: 0,
    extendedTypesEnabled: true,
    '4lw.commands.whitelist': '*',
    // In memory nothing is gained by having room in advance.
    ...(storage === 'memory' ? { preAllocSize: 0 } : {}),
    ...more,
    ...settings,
  }
  const text = Object.entries(lines)
    .map(([key, value]) => `${key}=${String(value).replaceAll('\\', '\\\\')}\n`)
    .join('')
  const source = { name: 'test server', text }
  return checkConfig(files === undefined ? source : { ...source, files }).config
}
