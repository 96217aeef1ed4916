import { expect, test } from 'vitest'
import { type LogFields, silentLogger } from '../ports/logger.ts'
import { RefusalLog } from './refusal-log.ts'

test('says it once a minute for each kind, with how many were withheld', () => {
  const lines: [string, LogFields | undefined][] = []
  let nowMs = 0
  const log = new RefusalLog(
    {
      ...silentLogger,
      warn: (message, fields) => lines.push([message, fields]),
      error: (message, fields) => lines.push([message, fields]),
    },
    { nowMs: () => nowMs, wallMs: () => nowMs },
  )
  for (let count = 0; count < 100; count++) log.refused('192.0.2.7', 'per-address', 60)
  log.refused('192.0.2.7', 'total', 1000)
  nowMs = 59_999
  log.refused('192.0.2.8', 'per-address', 60)
  nowMs = 60_000
  log.refused('192.0.2.9', 'per-address', 60)
  expect(lines).toEqual([
    ['Too many connections from /192.0.2.7 - max is 60', {}],
    ['Too many connections 1000 - max is 1000', { address: '192.0.2.7', alsoRefused: 99 }],
    ['Too many connections from /192.0.2.9 - max is 60', { alsoRefused: 1 }],
  ])
})
