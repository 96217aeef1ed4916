// The same attackers on real sockets: a whole server on a port, connections that are reset, half
// closed, never read from, or silent; and a client of ours beside them that must not notice.

import { once } from 'node:events'
import { type Socket, connect as connectSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Prng } from '../../src/base/prng.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import { startTestServer } from '../../src/testkit/index.ts'
import { handshake, joined, request } from './frames.ts'
import { RequestMaker } from './request-maker.ts'

const { ZABRA_FUZZ_SEED: seed = '1' } = process.env
const ATTACKS = 120

test(`withstands sockets that misbehave, seed ${seed}`, { timeout: 60_000 }, async () => {
  const random = new Prng(Number(seed))
  const maker = new RequestMaker(random)
  await using server = await startTestServer()
  const zk = await server.connect()
  await zk.create('/large', new Uint8Array(900_000))
  await zk.create('/quiet', '0')
  const states: string[] = []
  zk.onState(({ state }) => states.push(state))

  const attacks: Promise<void>[] = []
  for (let round = 1; round <= ATTACKS; round++) {
    attacks.push(attack(server.port, random, maker))
    // The client works all the while, and is answered as if it were alone.
    const { stat } = await zk.setData('/quiet', String(round))
    expect(stat.version).toBe(round)
    const { data } = await zk.getData('/quiet')
    expect(new TextDecoder().decode(data)).toBe(String(round))
  }
  await Promise.all(attacks)
  expect(states).toEqual([])
  expect(zk.inFlight).toBe(0)
  // Nor has the server lost its mind: it lets go of everybody, and takes its client back.
  server.cutConnections()
  await expect.poll(() => states.at(-1)).toBe('connected')
  expect(await zk.exists('/quiet')).not.toBeNull()
})

async function attack(port: number, random: Prng, maker: RequestMaker): Promise<void> {
  const socket = connectSocket({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const isOver = once(socket, 'close')
  const readsNothing = random.chance(0.3)
  if (!readsNothing) socket.resume()
  try {
    await misbehave(socket, random, maker)
  } finally {
    if (random.chance(0.5)) socket.resetAndDestroy()
    else socket.destroy()
    await isOver
  }
}

async function misbehave(socket: Socket, random: Prng, maker: RequestMaker): Promise<void> {
  switch (random.below(6)) {
    case 0:
      socket.write(maker.randomBytes(random.below(5_000)))
      break
    case 1:
      socket.write(handshake().slice(0, random.below(48)))
      socket.end()
      break
    case 2: {
      // More answers than any buffer between us holds; what is not read stays with the server.
      const read = request(1, OpCode.getData, (out) => {
        out.ustring('/large')
        out.bool(false)
      })
      socket.write(joined([handshake(), ...Array.from({ length: 500 }, () => read)]))
      break
    }
    case 3: {
      const bytes = joined([handshake(), ...Array.from({ length: 20 }, () => maker.mutated(1))])
      for (let at = 0; at < bytes.length && !socket.destroyed; at += 97) {
        socket.write(bytes.slice(at, at + 97))
      }
      break
    }
    case 4:
      socket.write(joined([handshake(), ...Array.from({ length: 50 }, () => maker.garbageBody(2))]))
      break
    default:
      socket.write(['ruok', 'mntr', 'GET / HTTP/1.1\r\n\r\n', 'wchp'][random.below(4)] ?? '')
  }
  await sleep(random.below(200))
}
