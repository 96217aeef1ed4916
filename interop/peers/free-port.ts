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
