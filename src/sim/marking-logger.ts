// What a server finds worth telling an operator is worth knowing of a run.

import { mark } from '../base/marks.ts'
import type { Logger } from '../ports/logger.ts'

export const markingLogger: Logger = {
  debug() {},
  info: (message) => mark(`log: ${message}`),
  warn: (message) => mark(`log: ${message}`),
  error: (message) => mark(`log: ${message}`),
}
