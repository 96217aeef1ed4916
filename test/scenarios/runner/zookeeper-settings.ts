// The settings that a scenario asks for, as a ZooKeeper server has them in its configuration.

/** Configuration keys by our names; `frameBytesMax` is a property of the Java machine. */
const KEYS: ReadonlyMap<string, string> = new Map([
  ['tickMs', 'tickTime'],
  ['minSessionTimeoutMs', 'minSessionTimeout'],
  ['maxSessionTimeoutMs', 'maxSessionTimeout'],
  ['extendedTypes', 'extendedTypesEnabled'],
  ['emulate353Ttl', 'emulate353TTLNodes'],
  ['skipAcl', 'skipACL'],
  ['enforceQuota', 'enforceQuota'],
  ['digestAuthentication', 'DigestAuthenticationProvider.enabled'],
  ['superDigest', 'DigestAuthenticationProvider.superDigest'],
  ['containerCheckIntervalMs', 'znode.container.checkIntervalMs'],
  ['frameBytesMax', 'jute.maxbuffer'],
])

/** Key and value of each, the defaults of scenarios included. */
export function zooKeeperSettings(text: string): Record<string, string> {
  const settings: Record<string, string> = { tickTime: '2000', extendedTypesEnabled: 'false' }
  for (const line of text.split('\n')) {
    if (!line.startsWith('server ')) continue
    for (const pair of line.split(' ').slice(1)) {
      const at = pair.indexOf('=')
      const key = KEYS.get(pair.slice(0, at))
      if (key === undefined) throw new Error(`ZooKeeper has no setting for ${pair}`)
      const value = pair.slice(at + 1)
      settings[key] = key === 'skipACL' ? (value === 'true' ? 'yes' : 'no') : value
    }
  }
  return settings
}
