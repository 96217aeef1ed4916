// Keys about who may do what. Where passing over a key would open what an operator wants shut, it
// refuses the start until it is honoured.

import { type ConfigKey, consent, family, flag, text } from './key.ts'

export const securityKeys = {
  fourLetterWords: text('4lw.commands.whitelist', {
    reason: 'The four-letter words that are answered: a list with commas, or `*`.',
    defaultText: 'srvr',
    priority: 'P1',
    support: 'honoured',
  }),
  digestEnabled: flag('DigestAuthenticationProvider.enabled', true, {
    reason: 'Whether clients may authenticate with user and password.',
    priority: 'P2',
    support: 'honoured',
  }),
  superDigest: text('DigestAuthenticationProvider.superDigest', {
    reason: '`user:hash` of the user that may do everything.',
    priority: 'P2',
    support: 'honoured',
  }),
  digestAlgorithm: text('DigestAuthenticationProvider.digestAlg', {
    reason: 'The hash of those passwords; changing it makes existing ACLs match nobody.',
    defaultText: 'SHA1',
    priority: 'P2',
    support: 'honoured',
  }),
  skipAcl: consent('skipACL', false, {
    reason: '`yes` allows everything to everybody.',
    priority: 'P3',
    support: 'honoured',
  }),
} as const

export const otherSecurityKeys: readonly ConfigKey[] = [
  flag('enforce.auth.enabled', false, refused('Only authenticated clients are served.')),
  text('enforce.auth.schemes', later('The schemes that count for it.')),
  flag('sessionRequireClientSASLAuth', false, refused('Only clients with SASL are served.')),
  flag('allowSaslFailedClients', false, later('Clients whose SASL failed may stay.')),
  family('authProvider.', later('Java classes that authenticate.')),
  text('X509AuthenticationProvider.superUser', later('The certificate that may do everything.')),
  flag(
    'IPAuthenticationProvider.usexforwardedfor',
    false,
    later('Takes a client’s address from a header that anybody can write.'),
  ),
  text('superUser', later('A SASL user that may do everything.')),
  family('superUser.', later('Further ones.')),
  text('ensembleAuthName', later('Names that a client may expect this ensemble to have.')),
  flag('kerberos.removeHostFromPrincipal', false, later('How SASL identities are written.')),
  flag('kerberos.removeRealmFromPrincipal', false, later('How SASL identities are written.')),
  flag('kerberos.canonicalizeHostNames', false, later('How SASL identities are written.')),
  text('security.auth_to_local', later('How SASL identities are written.')),
  text('letAnySaslUserDoX', later('An ACL identity that every SASL user matches.')),
  text('java.security.auth.login.config', { ...later('The JAAS file.'), outsideFile: true }),
  family('ssl.', later('TLS for clients: stores, protocols, verification.')),
  flag('client.certReload', false, later('Reads the certificates anew when they change.')),
  flag('fips-mode', true, later('Only what that standard allows.')),
]

function later(reason: string) {
  return { reason, priority: 'P2', support: 'later' } as const
}

function refused(reason: string) {
  return { reason, priority: 'P2', support: 'refused' } as const
}
