// The log of a server process: lines of JSON for machines, or coloured text where a person is
// looking at a terminal. Written at once, so that the last words of a dying server are not lost.

import { type DestinationStream, pino } from 'pino'
import type { Logger } from '../ports/logger.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof logLevels)[number]

export async function makeLogger(level: LogLevel, isTerminal: boolean): Promise<Logger> {
  return loggerTo(isTerminal ? await readable() : pino.destination({ dest: 1, sync: true }), level)
}

/** Lines of JSON at the end of a file. */
export function makeFileLogger(level: LogLevel, file: string): Logger {
  return loggerTo(pino.destination({ dest: file, sync: true, mkdir: true }), level)
}

function loggerTo(destination: DestinationStream, level: LogLevel): Logger {
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

/** Loaded only where somebody looks: a server on its own starts sooner without it. */
async function readable(): Promise<DestinationStream> {
  const { PinoPretty } = await import('pino-pretty')
  return PinoPretty({
    sync: true,
    translateTime: 'HH:MM:ss.l',
    ignore: 'pid,hostname',
    singleLine: true,
  })
}
