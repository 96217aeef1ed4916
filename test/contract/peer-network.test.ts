// The network between servers over sockets and the one in memory keep the same promises.

import { setImmediate as turn } from 'node:timers/promises'
import { MemoryPeers } from '../../src/io/net/memory-peers.ts'
import { TcpPeers } from '../../src/io/net/tcp-peers.ts'
import { NodeTimers } from '../../src/io/time/node-timers.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { type PeersUnderTest, peerNetworkContract } from './peer-network.contract.ts'

peerNetworkContract('tcp', overTcp)
peerNetworkContract('memory', inMemory)

async function overTcp(): Promise<PeersUnderTest> {
  const make = (): TcpPeers =>
    new TcpPeers({ listenOnAllAddresses: false, keepAlive: false, onRefused: () => {} })
  const [here, there] = [make(), make()]
  return {
    connect: (hereEvents, thereEvents) => {
      here.start(hereEvents)
      there.start(thereEvents)
      return { here, there }
    },
    place: { host: 'localhost', port: await freePort() },
    nobody: { host: '127.0.0.1', port: await freePort() },
    settle: until,
    end: async () => {
      await Promise.all([here.stop(), there.stop()])
    },
  }
}

async function inMemory(): Promise<PeersUnderTest> {
  const world = new MemoryPeers(new NodeTimers())
  const [here, there] = [world.attach(1), world.attach(2)]
  return {
    connect: (hereEvents, thereEvents) => {
      here.start(hereEvents)
      there.start(thereEvents)
      return { here, there }
    },
    place: { host: 'zabra-2', port: 2888 },
    nobody: { host: 'zabra-3', port: 2888 },
    settle: async (isTrue) => {
      while (!isTrue()) await turn()
    },
    end: async () => {
      await Promise.all([here.stop(), there.stop()])
    },
  }
}
