/** Finds a TCP port that is free on loopback right now. */
import { createServer } from 'node:net'

/**
 * Asks the system for a port and gives it back. Somebody else could take it before the caller does;
 * servers here are started again on another port in that case by running the test again.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') {
        reject(new Error('the system gave no port'))
        return
      }
      server.close(() => resolve(address.port))
    })
  })
}

/** Where the system takes the near ends of connections from, in its usual setting, begins above. */
const lowest = 12_000
const highest = 32_000

/**
 * A port that is free and will be later too: not one that the system may hand to an outgoing
 * connection meanwhile. For servers that are started more than once, or listen only when they lead.
 */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

const given = new Set<number>()

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
