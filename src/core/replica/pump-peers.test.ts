// When a member of an ensemble speaks to the others: at the end of a turn, all at once.

import { beforeEach, expect, it } from 'vitest'

import { sessionIdOf } from '../../base/session-id.ts'
import { NodeHasher } from '../../io/crypto/node-hasher.ts'
import type { LinkId } from '../../ports/peer-network.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../pipeline/settings.ts'
import { ensembleOptions } from '../../../test/support/ensemble-options.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { Pump } from './pump.ts'
import { Replica } from './replica.ts'

const settings = { ...DEFAULT_PIPELINE_SETTINGS, tickMs: 2_000 }
const makeDatabase = (): Database => new Database(new NaiveTree(settings), settings)

let sent: { link: LinkId; byteCount: number }[]
let dialled: LinkId[]
let turnsWanted: number
let pump: Pump

/** Server 3 of three, which dials the other two on their election ports. */
beforeEach(() => {
  sent = []
  dialled = []
  turnsWanted = 0
  const moment = { nowMs: 0, wallMs: 0 }
  const replica = new Replica(
    {
      serverId: 3,
      settings,
      frameBytesMax: 4 << 20,
      fieldBytesMax: 4 << 20,
      firstSessionId: sessionIdOf(0x0300000000000000n),
      hasher: new NodeHasher(),
      ensemble: ensembleOptions(
        [1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888:participant`),
        makeDatabase,
      ),
    },
    makeDatabase(),
    moment,
  )
  pump = new Pump(replica, {
    network: {
      send: () => true,
      backlogBytes: () => 0,
      close: () => {},
      setReading: () => {},
    },
    storage: {
      append: () => {},
      flush: () => {},
      snapshotDue: () => false,
      beginSnapshot: () => {},
      continueSnapshot: () => false,
    },
    clock: { nowMs: () => 0, wallMs: () => 0 },
    ensemble: {
      peers: {
        listen: () => {},
        stopListening: () => {},
        dial: (link) => dialled.push(link),
        send: (link, bytes) => {
          sent.push({ link, byteCount: bytes.length })
          return true
        },
        backlogBytes: () => 0,
        close: () => {},
      },
      tasks: { run: () => {} },
      onRemark: () => {},
      onFatal: () => {},
    },
    wantTurnEnd: () => turnsWanted++,
    wakeAt: () => {},
    onWord: () => {},
  })
  pump.start()
})

it('what several inputs of a turn have for one link leaves in one write, at its end', () => {
  expect(dialled).toHaveLength(2)
  for (const link of dialled) pump.peers.opened(link)
  expect(sent).toEqual([])
  expect(turnsWanted).toBeGreaterThan(0)
  pump.endTurn()
  expect(sent.map(({ link }) => link)).toEqual(dialled)
  pump.endTurn()
  expect(sent).toHaveLength(2)
})

it('a link that closes before the turn ends is not written to any more', () => {
  const [first = 0, second = 0] = dialled
  pump.peers.opened(first)
  pump.peers.opened(second)
  pump.peers.closed(first, 'reset')
  pump.endTurn()
  expect(sent.map(({ link }) => link)).toEqual([second])
})

it('where no turn will end any more, what waits can be sent nevertheless', () => {
  pump.peers.opened(dialled[0]!)
  pump.sendToPeers()
  expect(sent).toHaveLength(1)
})
