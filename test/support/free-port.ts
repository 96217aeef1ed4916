// A port for a server that is started later, or more than once, or that listens only while it leads.

import { createServer } from 'node:net'

/** Below those that the system gives to outgoing connections: one of them would take the port. */
const PORT_MIN = 12_000
const PORT_MAX = 32_000

const given = new Set<number>()

/** Each another one, drawn, so that two processes which look at once find two. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN))
    if (given.has(port)) continue
    given.add(port)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, () => probe.close(() => resolve(true)))
  })
}
