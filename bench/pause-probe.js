// Loaded into a server's process before anything else (`node --import`): on SIGUSR2 it appends the
// longest turn of the event loop since the last time, in milliseconds, to the file it was given.

import { appendFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 1

const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delays.enable()

process.on('SIGUSR2', () => {
  const longestMs = Math.max(0, delays.max / 1e6 - RESOLUTION_MS)
  delays.reset()
  appendFileSync(process.env.ZABRA_PAUSE_FILE, `${longestMs}\n`)
})
