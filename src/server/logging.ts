// The log of a server process: lines of JSON for machines, or coloured text where a person is
// looking at a terminal. Written at once, so that the last words of a dying server are not lost.

import { pino } from 'pino'
import { PinoPretty } from 'pino-pretty'
import type { Logger } from '../ports/logger.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof logLevels)[number]

export function makeLogger(level: LogLevel, isTerminal: boolean): Logger {
  const destination = isTerminal
    ? PinoPretty({ sync: true, translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname' })
    : pino.destination({ dest: 1, sync: true })
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  )
  return {
    debug: (message, fields) => log.debug(fields ?? {}, message),
    info: (message, fields) => log.info(fields ?? {}, message),
    warn: (message, fields) => log.warn(fields ?? {}, message),
    error: (message, fields) => log.error(fields ?? {}, message),
  }
}
