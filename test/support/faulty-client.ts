// A client of a live server over a network that can be made to fail.

import { connectOn } from '../../src/client/connect.ts'
import { nodePlatform } from '../../src/client/node.ts'
import type { ConnectOptions } from '../../src/client/options.ts'
import type { ZooKeeper } from '../../src/client/zookeeper.ts'
import { FaultyTransport } from './faulty-transport.ts'

export interface FaultyClient {
  readonly zk: ZooKeeper
  readonly network: FaultyTransport
}

export async function faultyClient(
  target: string,
  options: ConnectOptions = {},
): Promise<FaultyClient> {
  const network = new FaultyTransport()
  const platform = { ...nodePlatform, transport: network }
  const zk = await connectOn(platform, target, {
    sessionTimeout: 10_000,
    // As the test kit's server has it.
    tickTime: 100,
    ...options,
  })
  return { zk, network }
}
