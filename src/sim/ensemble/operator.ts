// Whoever changes the ensemble while it runs: now and then a connection of its own, the proof of
// being the super-user, one reconfiguration, and away. Members change their roles, leave, and come
// back. What becomes of a request is no business of its own; the ledger sees what was decided.

import type { Prng } from '../../base/prng.ts'
import { encodeUtf8 } from '../../base/text.ts'
import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import { JuteReader, MalformedRecord } from '../../core/jute/reader.ts'
import { JuteWriter } from '../../core/jute/writer.ts'
import type { Membership } from '../../core/quorum/membership.ts'
import type { MemberLine } from '../../core/quorum/membership-text.ts'
import { readConnectResponse, writeConnectRequest } from '../../core/records/connect.ts'
import { replyHeader, requestHeader } from '../../core/records/headers.ts'
import { OpCode, Xid } from '../../core/records/opcodes.ts'
import { authPacket, reconfigRequest } from '../../core/records/requests.ts'
import { mark } from '../../base/marks.ts'
import type { TransportConnection } from '../../ports/transport.ts'
import { FrameCutter } from '../checkers/frame-cutter.ts'
import type { FakeNetwork } from '../fake-network.ts'
import type { VirtualClock } from '../virtual-clock.ts'
import { drawReconfiguration } from './reconfigurations.ts'

/** Connections from here pass the checkers by. */
export const OPERATOR_ADDRESS = '10.8.8.8'
export const OPERATOR_SECRET = 'super:secret'

export interface OperatorSurroundings {
  readonly time: VirtualClock
  readonly random: Prng
  readonly network: FakeNetwork
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  /** Every server there is, with its line as a participant. */
  readonly members: readonly MemberLine[]
  readonly tickMs: number
  /** Who belongs to the ensemble, as far as is known. */
  current(): Membership
  /** A session that is the operator's. */
  onSession(session: bigint): void
  remark(text: string): void
}

export class Operator {
  readonly #around: OperatorSurroundings
  #isOver = false
  #asked = 0

  constructor(around: OperatorSurroundings) {
    this.#around = around
    this.#plan()
  }

  get asked(): number {
    return this.#asked
  }

  stop(): void {
    this.#isOver = true
  }

  #plan(): void {
    const { time, random, tickMs } = this.#around
    time.after(random.below(10 * Math.min(tickMs, 500) * 1_000), 'the operator comes', null, () => {
      if (this.#isOver) return
      this.#visit()
      this.#plan()
    })
  }

  #visit(): void {
    const { time, random, network, hosts, tickMs } = this.#around
    const { host, port } = random.pick(hosts)
    const frames = new FrameCutter()
    let isConnected = false
    const connection: TransportConnection = network
      .transport(OPERATOR_ADDRESS)
      .connect(host, port, {
        opened: () => connection.send(handshake(4 * tickMs)),
        bytes: (chunk) => {
          for (const frame of frames.push(chunk)) {
            if (isConnected) this.#onReply(connection, frame)
            else {
              isConnected = true
              this.#onConnected(connection, frame)
            }
          }
        },
        closed: () => {},
      })
    time.after(10 * tickMs * 1_000, 'the operator goes', null, () => connection.close())
  }

  #onConnected(connection: TransportConnection, frame: Uint8Array): void {
    const { timeOut, sessionId } = readConnectResponse(new JuteReader(frame))
    if (timeOut === 0) return
    const { random, members, current } = this.#around
    const wanted = drawReconfiguration(random, members, current())
    this.#around.onSession(sessionId)
    this.#around.remark(`the operator asks for ${JSON.stringify(wanted)}`)
    this.#asked++
    connection.send(
      framed((out) => {
        requestHeader.write(out, { xid: Xid.auth, type: OpCode.auth })
        const auth = encodeUtf8(OPERATOR_SECRET)
        authPacket.write(out, { type: 0, scheme: 'digest', auth })
      }),
    )
    connection.send(
      framed((out) => {
        requestHeader.write(out, { xid: 1, type: OpCode.reconfig })
        reconfigRequest.write(out, {
          joiningServers: wanted.joining,
          leavingServers: wanted.leaving,
          newMembers: wanted.members,
          curConfigId: BigInt(wanted.fromVersion),
        })
      }),
    )
  }

  #onReply(connection: TransportConnection, frame: Uint8Array): void {
    try {
      const { xid, err } = replyHeader.read(new JuteReader(frame))
      if (xid !== 1) return
      mark(`a reconfiguration is answered ${err}`)
    } catch (error) {
      if (!(error instanceof MalformedRecord)) throw error
    }
    connection.close()
  }
}

function handshake(timeOut: number): Uint8Array {
  return framed((out) =>
    writeConnectRequest(out, {
      protocolVersion: 0,
      lastZxidSeen: ZXID_ZERO as Zxid,
      timeOut,
      sessionId: 0n,
      passwd: new Uint8Array(16),
      readOnly: false,
    }),
  )
}

function framed(write: (out: JuteWriter) => void): Uint8Array {
  const out = new JuteWriter()
  out.int(0)
  write(out)
  out.intAt(0, out.position - 4)
  return out.view().slice()
}
