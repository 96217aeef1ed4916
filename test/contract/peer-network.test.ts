// The network between servers over sockets and the one in memory keep the same promises.

import { setImmediate as turn } from 'node:timers/promises'
import { Prng } from '../../src/base/prng.ts'
import { MemoryPeers } from '../../src/io/net/memory-peers.ts'
import { TcpPeers } from '../../src/io/net/tcp-peers.ts'
import { NodeTimers } from '../../src/io/time/node-timers.ts'
import { CALM_PEERS, FakePeerNetwork } from '../../src/sim/ensemble/fake-peer-network.ts'
import { Trace } from '../../src/sim/trace.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/until.ts'
import { type PeersUnderTest, peerNetworkContract } from './peer-network.contract.ts'

peerNetworkContract('tcp', overTcp)
peerNetworkContract('memory', inMemory)
peerNetworkContract('simulated, keeping arrays', () => simulated(1))
peerNetworkContract('simulated, copying arrays', () => simulated(0))

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

async function simulated(keepArrays: number): Promise<PeersUnderTest> {
  const clock = new VirtualClock(new Trace())
  const network = new FakePeerNetwork(clock, new Prng(1), { ...CALM_PEERS, keepArrays })
  return {
    connect: (hereEvents, thereEvents) => ({
      here: network.start('one', hereEvents),
      there: network.start('two', thereEvents),
    }),
    place: { host: 'two', port: 2888 },
    nobody: { host: 'three', port: 2888 },
    settle: async (isTrue) => {
      while (!isTrue()) if (!clock.step()) await turn()
    },
    end: async () => {},
  }
}
