import { once } from 'node:events'
import { type AddressInfo, type Socket, createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import {
  type TransportUnderTest,
  transportContract,
} from '../../../test/contract/transport.contract.ts'
import { TcpTransport } from './tcp-transport.ts'

async function overTcp(): Promise<TransportUnderTest> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    transport: new TcpTransport(),
    echo: { host: '127.0.0.1', port },
    nobody: { host: '127.0.0.1', port: 1 },
    closeByServer: () => {
      for (const socket of sockets) socket.end()
    },
    settle: async (isTrue) => {
      while (!isTrue()) await turn()
    },
    end: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

transportContract('TCP', overTcp)
