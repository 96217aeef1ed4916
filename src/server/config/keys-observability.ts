// Keys about watching a server. The HTTP servers for status and metrics come later; until then
// their keys are accepted and each group is mentioned once.

import { type ConfigKey, family, flag, integer, text } from './key.ts'

export const observabilityKeys: readonly ConfigKey[] = [
  flag('admin.enableServer', false, later('P1', 'Opens the HTTP server for status and commands.')),
  text('admin.serverAddress', later('P1', 'Where it listens.')),
  integer('admin.serverPort', 8080, later('P1', 'Its port.')),
  integer('admin.idleTimeout', 30_000, later('P3', 'When it closes an idle connection.')),
  text('admin.commandURL', later('P3', 'The first part of its paths.')),
  integer('admin.httpVersion', 11, later('P3', 'The version of HTTP it speaks.')),
  flag('admin.portUnification', false, later('P3', 'TLS and plain on its port.')),
  flag('admin.forceHttps', false, later('P3', 'TLS only.')),
  flag('admin.needClientAuth', false, later('P3', 'Asks for a client’s certificate.')),
  flag('admin.snapshot.enabled', true, later('P3', 'Lets it hand out a snapshot.')),
  flag('admin.restore.enabled', true, later('P3', 'Lets it take one in.')),
  integer('admin.rateLimiterIntervalInMS', 300_000, later('P3', 'How often it does.')),
  family('metricsProvider.', later('P1', 'Which metrics are published, and where.')),
  flag('audit.enable', false, later('P2', 'Logs who changed what.')),
  text('audit.impl.class', later('P2', 'The Java class that does.')),
  flag('jvm.pause.monitor', false, later('P2', 'Logs pauses of the process.')),
  integer('jvm.pause.info-threshold.ms', 1_000, later('P2', 'From which length on.')),
  integer('jvm.pause.warn-threshold.ms', 10_000, later('P2', 'From which length as a warning.')),
  integer('jvm.pause.sleep.time.ms', 500, later('P2', 'How often they are looked for.')),
]

function later(priority: 'P1' | 'P2' | 'P3', reason: string) {
  return { reason, priority, support: 'later' } as const
}
