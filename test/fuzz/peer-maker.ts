// Draws what servers send each other: as they do, with numbers at the edges of what fits, with
// garbage in a place or two, and noise. It knows how messages look, not when they are due.

import type { Prng } from '../../src/base/prng.ts'
import { EPOCH_LIMIT, type Zxid, zxidOf } from '../../src/base/zxid.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { type Acl, aclList, type Id, WORLD_ALL } from '../../src/core/records/acl.ts'
import { writeInitialMessage } from '../../src/core/records/notification.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import { beginPacket, endPacket, PacketType } from '../../src/core/records/quorum-packet.ts'
import { txnHeader } from '../../src/core/records/txn.ts'
import { votersText } from './peer-member.ts'

export interface Notified {
  readonly state: number
  readonly leader: number
  readonly zxid: number
  readonly round: number
  readonly peerEpoch: number
  readonly config: string
}

const PACKET_TYPES = Object.values(PacketType)
const OPS: readonly number[] = Object.values(OpCode)

const EDGES: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n,
  255n,
  (1n << 31n) - 1n,
  1n << 31n,
  -(1n << 31n),
  (1n << 32n) - 1n,
  1n << 32n,
  (1n << 52n) + 7n,
  (1n << 53n) - 1n,
  1n << 53n,
  -(1n << 53n),
  BigInt(EPOCH_LIMIT - 1) << 32n,
  (BigInt(EPOCH_LIMIT) << 32n) - 1n,
  BigInt(EPOCH_LIMIT) << 32n,
  (1n << 63n) - 1n,
  -(1n << 63n),
]

const LENGTHS = [-1, -2, 0, 1, 20, 1_000, 1 << 20, 0x7fff_ffff, -0x8000_0000]

const CONFIGS = [
  '',
  'version=0',
  'version=fffffffffffff',
  'version=1ffffffffffffff',
  'nonsense',
  'server.1=a:1:2',
  'server.1=a:1:2\nserver.1=b:1:2\nversion=5',
  'server.2=[::1]:1:2:observer;3\nversion=9',
  'group.1=1:2\nweight.1=0\nserver.1=a:1:2\nversion=7',
  `server.1=${'x'.repeat(3_000)}:2888:3888\nversion=3`,
  '\u0000\uffff=\ud800',
]

const PATHS = [
  '/',
  '/a',
  '/b',
  '/a/b',
  '/a/b/c',
  '',
  'a',
  '//',
  '/a//b',
  '/a/',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
  '/zookeeper/quota/a',
  '/zookeeper/quota/a/zookeeper_limits',
  '/zookeeper/quota/a/zookeeper_stats',
  '/d',
]

export class PeerMaker {
  readonly #random: Prng

  constructor(random: Prng) {
    this.#random = random
  }

  edge(): bigint {
    return this.#random.pick(EDGES)
  }

  /** Usually `usual`, now and then something at the edge. */
  long(usual: number, strange: number = 0.1): bigint {
    return this.#random.chance(strange) ? this.edge() : BigInt(usual)
  }

  noise(most: number): Uint8Array {
    const bytes = new Uint8Array(this.#random.below(most))
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#random.next()
    return bytes
  }

  /** The same with a few bytes changed, cut off, put in twice, or a length that lies. */
  damaged(bytes: Uint8Array): Uint8Array {
    const random = this.#random
    if (bytes.length === 0) return this.noise(10)
    const damaged = bytes.slice()
    switch (random.below(5)) {
      case 0:
        return damaged.slice(0, random.below(damaged.length))
      case 1: {
        const at = random.below(damaged.length)
        return concat(damaged.slice(0, at), this.noise(40), damaged.slice(at))
      }
      case 2:
        for (let i = random.between(1, 4); i > 0; i--) {
          damaged[random.below(damaged.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff])
        }
        return damaged
      case 3: {
        if (damaged.length < 4) return damaged
        const at = random.below(Math.floor(damaged.length / 4)) * 4
        new DataView(damaged.buffer).setInt32(at, random.pick(LENGTHS))
        return damaged
      }
      default:
        return concat(damaged, damaged)
    }
  }

  maybeDamaged(bytes: Uint8Array, chance: number): Uint8Array {
    return this.#random.chance(chance) ? this.damaged(bytes) : bytes
  }

  // The election port

  initial(serverId: number, host: string, port: number): Uint8Array {
    const random = this.#random
    if (random.chance(0.8)) {
      return written((out) => writeInitialMessage(out, serverId, [{ host, port }]))
    }
    return written((out) => {
      out.long(random.pick([-65536n, -65535n, this.edge()]))
      out.long(this.long(serverId))
      const text = random.pick([
        host,
        `${host}:${port}`,
        '',
        '|||',
        `${host}:99999`,
        'x'.repeat(3e3),
      ])
      out.ustring(text)
    })
  }

  notification(usual: Notified, strange: number): Uint8Array {
    const random = this.#random
    const frame = written((out) => {
      out.int(0)
      out.int(random.chance(strange) ? random.pick([-1, 4, 0x7fff_ffff]) : usual.state)
      out.long(this.long(usual.leader, strange))
      out.long(this.long(usual.zxid, strange))
      out.long(this.long(usual.round, strange))
      if (random.chance(strange)) return out.intAt(0, out.position - 4)
      out.long(this.long(usual.peerEpoch, strange))
      out.int(random.chance(strange) ? random.pick([0, 1, 3, -1]) : 2)
      out.ustring(random.chance(strange) ? this.config() : usual.config)
      out.intAt(0, out.position - 4)
    })
    return frame
  }

  config(): string {
    const random = this.#random
    if (random.chance(0.7)) return random.pick(CONFIGS)
    const version = random.pick(['1', '100000000', 'fffff00000000', '-1', 'x'])
    return `${votersText(random.between(0, 5))}\nversion=${version}`
  }

  // The quorum port

  packet(
    type: number,
    zxid: bigint,
    body: ((out: JuteWriter) => void) | null,
    identities: readonly Id[] | null = null,
  ): Uint8Array {
    return written((out) => {
      if (body === null) {
        out.int(type)
        out.long(zxid)
        out.int(-1)
        out.int(-1)
        return
      }
      const at = beginPacket(out, type as PacketType)
      body(out)
      endPacket(out, at, identities)
      const view = new DataView(out.bytes.buffer)
      view.setBigInt64(at - 8, zxid)
    })
  }

  anyPacket(around: Zxid): Uint8Array {
    const random = this.#random
    const type = random.chance(0.9) ? random.pick(PACKET_TYPES) : random.below(1 << 30) - (1 << 29)
    const zxid = this.long(Math.max(0, around + random.between(-2, 3)), 0.2)
    if (random.chance(0.3)) return this.packet(type, zxid, null)
    return this.packet(
      type,
      zxid,
      (out) => {
        switch (random.below(5)) {
          case 0:
            return this.#raw(out, this.noise(80))
          case 1:
            return out.long(this.edge())
          case 2:
            return out.int(random.pick(LENGTHS))
          case 3:
            return this.#raw(out, this.transaction(around, 0.3))
          default:
            return out.ascii('server.1=a:1:2\nversion=9')
        }
      },
      random.chance(0.1) ? this.#identities() : null,
    )
  }

  request(sessionId: bigint, cxid: number): Uint8Array {
    const random = this.#random
    const op = random.chance(0.8)
      ? random.pick([OpCode.create, OpCode.setData, OpCode.sync, OpCode.delete, OpCode.multi])
      : random.pick(OPS)
    return this.packet(
      PacketType.request,
      -1n,
      (out) => {
        out.long(sessionId)
        out.int(random.chance(0.9) ? cxid : random.pick(LENGTHS))
        out.int(op)
        this.#raw(out, this.maybeDamaged(this.#operation(op), 0.3))
      },
      random.chance(0.7) ? this.#identities() : null,
    )
  }

  createSession(sessionId: bigint): Uint8Array {
    return this.packet(PacketType.request, -1n, (out) => {
      out.long(sessionId)
      out.int(0)
      out.int(OpCode.createSession)
      out.int(this.#random.pick([4_000, 4_000, 0, -1, 0x7fff_ffff, -0x8000_0000]))
    })
  }

  /** Header, body and at times a digest; some of it wrong with that chance. */
  transaction(zxid: Zxid, strange: number): Uint8Array {
    const random = this.#random
    const type = random.chance(0.9)
      ? random.pick([
          OpCode.create,
          OpCode.create,
          OpCode.create2,
          OpCode.setData,
          OpCode.delete,
          OpCode.createSession,
          OpCode.closeSession,
          OpCode.createTTL,
          OpCode.createContainer,
          OpCode.setACL,
          OpCode.error,
          OpCode.multi,
        ])
      : random.pick(OPS)
    const body = this.#txnBody(type)
    return written((out) => {
      const clientId = random.pick([1n, 2n, 0n, this.edge()])
      const time = Number(random.pick([1n, 1_700_000_000_000n]))
      txnHeader.write(out, { clientId, cxid: 1, zxid, time, type })
      this.#raw(out, this.maybeDamaged(body, strange))
      if (random.chance(0.3)) {
        out.int(2)
        out.long(this.edge())
      }
    })
  }

  #txnBody(type: number): Uint8Array {
    const random = this.#random
    return written((out) => {
      switch (type) {
        case OpCode.createSession:
          return out.int(random.pick([4_000, 0, -1, 0x7fff_ffff]))
        case OpCode.closeSession:
          out.int(random.pick([0, 1, 2, -1]))
          out.ustring(random.pick(PATHS))
          return
        case OpCode.error:
          return out.int(-101)
        case OpCode.multi: {
          const count = random.below(4)
          out.int(random.chance(0.9) ? count : random.pick(LENGTHS))
          for (let i = 0; i < count; i++) {
            const inner = random.pick([OpCode.create, OpCode.setData, OpCode.delete, OpCode.error])
            out.int(inner)
            out.buffer(this.#txnBody(inner))
          }
          return
        }
        default:
          this.#nodeTxn(type, out)
      }
    })
  }

  #nodeTxn(type: number, out: JuteWriter): void {
    const random = this.#random
    out.ustring(random.pick(PATHS))
    if (type === OpCode.delete || type === OpCode.deleteContainer) return
    if (type !== OpCode.setACL && type !== OpCode.check) out.buffer(this.#data())
    if (type === OpCode.setData || type === OpCode.reconfig || type === OpCode.check) {
      return out.int(random.pick([0, 1, -1, 0x7fff_ffff]))
    }
    aclList.write(out, this.#acl())
    if (type === OpCode.create || type === OpCode.create2) out.bool(random.chance(0.3))
    out.int(random.pick([1, -1, 7, -0x8000_0000, 0x7fff_ffff]))
    if (type === OpCode.createTTL) out.long(random.pick([1n, 5_000n, -1n, 1n << 39n, 1n << 52n]))
  }

  #operation(op: number): Uint8Array {
    return written((out) => {
      out.ustring(this.#random.pick(PATHS))
      if (op === OpCode.create || op === OpCode.create2) {
        out.buffer(this.#data())
        aclList.write(out, this.#acl())
        out.int(this.#random.below(8))
      } else if (op === OpCode.setData) {
        out.buffer(this.#data())
        out.int(-1)
      } else out.int(-1)
    })
  }

  #data(): Uint8Array | null {
    const random = this.#random
    if (random.chance(0.1)) return null
    return this.noise(random.chance(0.02) ? 60_000 : 60)
  }

  #acl(): readonly Acl[] | null {
    const random = this.#random
    if (random.chance(0.7)) return WORLD_ALL
    if (random.chance(0.3)) return null
    return [{ perms: random.below(64), id: { scheme: random.pick(['ip', '', null]), id: null } }]
  }

  #identities(): readonly Id[] {
    const random = this.#random
    return Array.from({ length: random.below(4) }, () => ({
      scheme: random.pick(['ip', 'digest', 'super', '', null]),
      id: random.pick(['127.0.0.1', '', null, 'x'.repeat(300)]),
    }))
  }

  #raw(out: JuteWriter, bytes: Uint8Array): void {
    out.raw(bytes, 0, bytes.length)
  }

  /** An epoch's zxid, near what is there or at the edge of what fits. */
  epochZxid(near: number): bigint {
    const random = this.#random
    if (random.chance(0.1)) return this.edge()
    const epoch = Math.min(Math.max(0, near + random.between(-1, 2)), EPOCH_LIMIT - 1)
    return BigInt(zxidOf(epoch, 0))
  }
}

export function written(write: (out: JuteWriter) => void): Uint8Array {
  const out = new JuteWriter()
  write(out)
  return out.copy()
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new JuteWriter()
  for (const part of parts) out.raw(part, 0, part.length)
  return out.copy()
}
