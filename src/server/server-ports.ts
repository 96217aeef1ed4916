// What a server runs on. On its own it takes the machine's disk, sockets and clocks; a test kit or
// an embedding program may hand it others.

import type { Clock, Timers } from '../ports/clock.ts'
import type { ClientEvents, ClientNetwork } from '../ports/client-network.ts'
import type { Compression } from '../ports/compression.ts'
import type { Disk } from '../ports/disk.ts'
import type { Hasher } from '../ports/hasher.ts'
import type { Logger } from '../ports/logger.ts'
import type { PeerEvents, PeerNetwork } from '../ports/peer-network.ts'
import type { Random } from '../ports/random.ts'
import { NodeHasher } from '../io/crypto/node-hasher.ts'
import { lockDirectory } from '../io/disk/directory-lock.ts'
import { nodeCompression } from '../io/disk/node-compression.ts'
import { NodeDisk } from '../io/disk/node-disk.ts'
import { TcpPeers } from '../io/net/tcp-peers.ts'
import { type RefusalReason, TcpServer } from '../io/net/tcp-server.ts'
import { nodeRandom } from '../io/random/node-random.ts'
import { NodeClock } from '../io/time/node-clock.ts'
import { NodeTimers } from '../io/time/node-timers.ts'
import type { ServerConfig } from './config/config.ts'
import type { EnsembleConfig } from './config/ensemble.ts'

/** A network that clients can be expected on. */
export interface ServerNetwork extends ClientNetwork {
  /** `events` hears of the connections. Resolves to the port; rejects where it cannot be bound. */
  listen(place: ListenPlace, events: ClientEvents): Promise<{ readonly port: number }>
  /** Hands over no more bytes; what is sent still goes out. */
  silence(): void
  /** Accepts no more, ends all connections, and resolves when the last of them is gone. */
  stop(): Promise<void>
}

/** The network of an ensemble. */
export interface ServerPeers extends PeerNetwork {
  /** `events` hears of it all; before anything else is asked. */
  start(events: PeerEvents): void
  /** Begins no more links, ends all there are, and resolves when the last of them is gone. */
  stop(): Promise<void>
}

export interface ListenPlace {
  readonly port: number
  /** null for every interface. */
  readonly host: string | null
  readonly backlog: number
}

export type OnRefused = (address: string, reason: RefusalReason, limit: number) => void

export interface ServerPorts {
  readonly disk: Disk
  readonly compression: Compression
  readonly hasher: Hasher
  readonly random: Random
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: Logger
  makeNetwork(config: ServerConfig, onRefused: OnRefused): ServerNetwork
  /** Only asked for by a member of an ensemble. */
  makePeers(ensemble: EnsembleConfig): ServerPeers
  /** Takes a directory for this server alone; `onLost` is called if somebody else takes it after all. */
  lockDirectory(directory: string, onLost: () => void): Promise<{ release(): void }>
}

export const nodePorts = (logger: Logger): ServerPorts => ({
  disk: new NodeDisk(),
  compression: nodeCompression,
  hasher: new NodeHasher(),
  random: nodeRandom,
  clock: new NodeClock(),
  timers: new NodeTimers(),
  logger,
  makeNetwork: (config, onRefused) =>
    new TcpServer({
      connectionsPerAddressMax: config.connectionsPerAddressMax,
      connectionsMax: config.connectionsMax,
      keepAlive: config.tcpKeepAlive,
      onRefused,
    }),
  makePeers: ({ listenOnAllAddresses, tcpKeepAlive }) =>
    new TcpPeers({
      listenOnAllAddresses,
      keepAlive: tcpKeepAlive,
      onRefused: (address, _reason, limit) =>
        logger.warn('refused a link: too many servers are connected', { address, limit }),
    }),
  lockDirectory,
})
