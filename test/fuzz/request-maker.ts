// Draws requests of every operation: well formed ones over a small world of paths, so that many of
// them meet each other, and the same ones damaged. It knows how requests look, not what they do.

import type { Prng } from '../../src/base/prng.ts'
import type { JuteWriter } from '../../src/core/jute/writer.ts'
import { type Acl, WORLD_ALL, aclList } from '../../src/core/records/acl.ts'
import { MULTI_END, multiHeader } from '../../src/core/records/multi.ts'
import { OpCode, opKind } from '../../src/core/records/opcodes.ts'
import { request } from './frames.ts'

const NAMES = ['a', 'b', 'c', 'd', 'é', '-0000000001']

const ODD_PATHS = [
  '',
  '/',
  'a',
  'a/b',
  '//',
  '//a',
  '/a//b',
  '/a/',
  '/a/.',
  '/a/../b',
  '/a\u0000b',
  '/a\u0001',
  '/😀',
  '/zookeeper',
  '/zookeeper/config',
  '/zookeeper/quota',
  '/zookeeper/quota/a',
  '/calm',
  '/calm/0',
  `/${'n'.repeat(4_000)}`,
  `${'/deep'.repeat(800)}`,
]

const QUOTA_NAMES = ['zookeeper_limits', 'zookeeper_stats', 'zookeeper_other']

const QUOTA_TEXTS = [
  'count=1,bytes=10',
  'count=3,bytes=-1;byteHardLimit=40;countHardLimit=2',
  'count=,bytes=',
  '=,;',
  'count=99999999999999999999,bytes=1e9',
]

const OPS: readonly number[] = Object.values(OpCode)

/** After one of these, a connection has seen the last of its server. */
const LAST_OPS: readonly number[] = [
  ...OPS.filter((op) => opKind(op) === 'refused'),
  OpCode.closeSession,
]

const LASTING_OPS: readonly number[] = OPS.filter((op) => !LAST_OPS.includes(op))

const NODE_OPS: readonly number[] = [
  OpCode.create,
  OpCode.create2,
  OpCode.createContainer,
  OpCode.createTTL,
  OpCode.delete,
  OpCode.setData,
  OpCode.check,
]

export class RequestMaker {
  readonly #random: Prng

  constructor(random: Prng) {
    this.#random = random
  }

  /** A well formed request of any operation. */
  wellFormed(xid: number): Uint8Array {
    const op = this.#random.pick(this.#random.chance(0.98) ? LASTING_OPS : LAST_OPS)
    return request(xid, op, (out) => this.#body(op, out))
  }

  /** A write that mostly works. */
  usefulWrite(xid: number): Uint8Array {
    const op = this.#random.pick([OpCode.create, OpCode.create2, OpCode.delete, OpCode.setData])
    return request(xid, op, (out) => this.#body(op, out))
  }

  /** A true header, and behind it anything. */
  garbageBody(xid: number): Uint8Array {
    const random = this.#random
    const op = random.chance(0.95) ? random.pick(LASTING_OPS) : random.next() | 0
    const length = random.chance(0.9) ? random.below(64) : random.below(8_000)
    return request(xid, op, (out) => {
      for (let i = 0; i < length; i++) out.byte(this.#randomByte())
    })
  }

  /** A well formed request, damaged in a few places; its length is made to fit, mostly. */
  mutated(xid: number): Uint8Array {
    const random = this.#random
    let bytes = [...(random.chance(0.5) ? this.wellFormed(xid) : this.usefulWrite(xid))]
    for (let count = random.between(1, 4); count > 0; count--) {
      // The header stays whole, so that the damage reaches what lies behind it.
      const at = bytes.length > 12 ? random.between(12, bytes.length - 1) : bytes.length - 1
      switch (random.below(5)) {
        case 0:
          bytes[at] = this.#randomByte()
          break
        case 1:
          bytes[at] = bytes[at]! ^ (1 << random.below(8))
          break
        case 2:
          bytes.splice(at, random.between(1, 8))
          break
        case 3:
          bytes.splice(at, 0, ...bytes.slice(at, at + random.between(1, 40)))
          break
        default:
          bytes = bytes.slice(0, Math.max(12, at))
      }
    }
    if (random.chance(0.9)) putInt(bytes, bytes.length - 4)
    return Uint8Array.from(bytes)
  }

  randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#random.below(256))
  }

  /** Extreme values are what lengths and counts are afraid of. */
  #randomByte(): number {
    const random = this.#random
    return random.chance(0.6)
      ? random.pick([0, 0, 0, 1, 0x2f, 0x7f, 0x80, 0xff])
      : random.below(256)
  }

  #path(): string {
    const random = this.#random
    if (random.chance(0.15)) return random.pick(ODD_PATHS)
    if (random.chance(0.12)) return `/zookeeper/quota/a/${random.pick(QUOTA_NAMES)}`
    let path = random.chance(0.5) ? '/a' : ''
    for (let depth = random.between(1, 2); depth > 0; depth--) path += `/${random.pick(NAMES)}`
    return path
  }

  #data(): Uint8Array | null {
    const random = this.#random
    if (random.chance(0.1)) return null
    if (random.chance(0.15)) return new TextEncoder().encode(random.pick(QUOTA_TEXTS))
    return new Uint8Array(random.chance(0.05) ? random.below(20_000) : random.below(50)).fill(7)
  }

  #version(): number {
    return this.#random.chance(0.6) ? -1 : this.#random.between(-2, 3)
  }

  #acl(): readonly Acl[] | null {
    const random = this.#random
    if (random.chance(0.7)) return WORLD_ALL
    if (random.chance(0.1)) return null
    const schemes = ['world', 'auth', 'digest', 'ip', 'sasl', 'super', 'x509', '', null]
    const ids = ['anyone', '', 'u:p', 'u:p:q', '127.0.0.1/8', '::1', 'x/y@Z', null]
    return Array.from({ length: random.below(5) }, () => ({
      perms: random.chance(0.8) ? random.below(32) : random.next() | 0,
      id: { scheme: random.pick(schemes), id: random.pick(ids) },
    }))
  }

  #body(op: number, out: JuteWriter): void {
    const random = this.#random
    switch (op) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
      case OpCode.createTTL:
        out.ustring(this.#path())
        out.buffer(this.#data())
        aclList.write(out, this.#acl())
        out.int(random.chance(0.95) ? random.below(7) : random.next() | 0)
        if (op === OpCode.createTTL) out.safeLong(random.between(-1, 5_000))
        break
      case OpCode.delete:
      case OpCode.check:
        out.ustring(this.#path())
        out.int(this.#version())
        break
      case OpCode.setData:
        out.ustring(this.#path())
        out.buffer(this.#data())
        out.int(this.#version())
        break
      case OpCode.setACL:
        out.ustring(this.#path())
        aclList.write(out, this.#acl())
        out.int(this.#version())
        break
      case OpCode.exists:
      case OpCode.getData:
      case OpCode.getChildren:
      case OpCode.getChildren2:
        out.ustring(this.#path())
        out.bool(random.chance(0.5))
        break
      case OpCode.multi:
      case OpCode.multiRead:
        this.#operations(op, out)
        break
      case OpCode.checkWatches:
      case OpCode.removeWatches:
      case OpCode.addWatch:
        out.ustring(this.#path())
        out.int(random.between(-1, 6))
        break
      case OpCode.auth:
        out.int(0)
        out.ustring(random.chance(0.9) ? 'digest' : random.pick(['ip', 'world', 'super', null]))
        out.buffer(this.#data())
        break
      case OpCode.setWatches:
        this.#watchLists(3, out)
        break
      case OpCode.setWatches2:
        this.#watchLists(5, out)
        break
      case OpCode.sasl:
        out.buffer(this.#data())
        break
      case OpCode.reconfig:
        for (let i = 0; i < 3; i++) out.ustring(random.chance(0.5) ? null : this.#path())
        out.safeLong(-1)
        break
      case OpCode.closeSession:
      case OpCode.ping:
      case OpCode.whoAmI:
        break
      default:
        out.ustring(this.#path())
    }
  }

  #operations(op: number, out: JuteWriter): void {
    const random = this.#random
    const kinds = op === OpCode.multi ? NODE_OPS : [OpCode.getData, OpCode.getChildren]
    for (let count = random.below(6); count > 0; count--) {
      const type = random.chance(0.95) ? random.pick(kinds) : random.pick(OPS)
      multiHeader.write(out, { type, done: false, err: -1 })
      this.#body(type === OpCode.multi || type === OpCode.multiRead ? OpCode.check : type, out)
    }
    if (random.chance(0.95)) multiHeader.write(out, MULTI_END)
  }

  #watchLists(count: number, out: JuteWriter): void {
    out.safeLong(this.#random.below(1_000))
    for (let list = 0; list < count; list++) {
      const length = this.#random.below(4)
      out.int(length)
      for (let i = 0; i < length; i++) out.ustring(this.#path())
    }
  }
}

function putInt(bytes: number[], value: number): void {
  for (let i = 0; i < 4; i++) bytes[i] = (value >>> (24 - 8 * i)) & 0xff
}
