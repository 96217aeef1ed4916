// A client that behaves, working beside those that do not. It owns nodes that only it may touch, so
// it knows every answer before it asks; any answer that is late, missing, out of order or different
// is a failure. Its answers are due when the disk has finished.

import { assert } from '../../src/base/assert.ts'
import type { Prng } from '../../src/base/prng.ts'
import { encodeUtf8, equalBytes } from '../../src/base/text.ts'
import type { JuteReader } from '../../src/core/jute/reader.ts'
import { type Acl, type Id, Perms, aclList } from '../../src/core/records/acl.ts'
import { ErrorCode } from '../../src/core/records/errors.ts'
import { CreateMode, OpCode, Xid } from '../../src/core/records/opcodes.ts'
import { stat } from '../../src/core/records/stat.ts'
import { EventType, watcherEvent } from '../../src/core/records/watches.ts'
import { type Reply, ReplyStream, handshake, request } from './frames.ts'
import type { ScriptedConnection, ScriptedPort } from './scripted-port.ts'

const OWN_ACL: readonly Acl[] = [{ perms: Perms.all, id: { scheme: 'auth', id: '' } }]
/** Where the others meet. */
const COMMON_GROUND = ['/large', '/a', '/a/b', '/b', '/zookeeper/quota/a']
const ANYONE: Id = { scheme: 'world', id: 'anyone' }

interface Expected {
  readonly xid: number
  readonly error: number
  /** A notification that has to come before the reply. */
  readonly event: { readonly type: number; readonly path: string } | null
  readonly check: (body: JuteReader) => void
}

interface OwnNode {
  data: Uint8Array
  version: number
}

export class Witness {
  readonly connection: ScriptedConnection
  readonly #port: ScriptedPort
  readonly #random: Prng
  readonly #base: string
  readonly #stream = new ReplyStream()
  readonly #expected: Expected[] = []
  readonly #nodes = new Map<string, OwnNode>()
  readonly #watched = new Set<string>()
  #heard: { type: number; path: string } | null = null
  #xid = 0
  #answered = 0

  constructor(port: ScriptedPort, random: Prng, index: number) {
    this.#port = port
    this.#random = random
    this.#base = `/calm/${index}`
    this.connection = port.open(`192.0.2.${index}`)
    this.connection.push(handshake({ timeOut: 20_000 }))
    this.#settle()
    assert(this.#stream.connected !== null, 'a witness could not connect')
    this.#ask(
      OpCode.auth,
      (out) => {
        out.int(0)
        out.ustring('digest')
        out.buffer(encodeUtf8(`witness${index}:secret`))
      },
      { xid: Xid.auth },
    )
    if (index === 0) {
      this.#create('/calm', CreateMode.persistent, [{ perms: Perms.create, id: ANYONE }])
      for (const path of COMMON_GROUND) {
        this.#create(path, CreateMode.persistent, [{ perms: Perms.all, id: ANYONE }])
      }
    }
    this.#create(this.#base, CreateMode.persistent)
    this.#create(`${this.#base}/here`, CreateMode.ephemeral)
    this.settled()
  }

  get answered(): number {
    return this.#answered
  }

  get watchCount(): number {
    return this.#watched.size
  }

  /** Sends a few requests; the answers are looked at in {@link settled}. */
  work(): void {
    for (let count = this.#random.between(1, 4); count > 0; count--) this.#one()
    while (this.#port.deliver(this.connection)) this.#listen()
    this.#listen()
  }

  /** The disk has finished: everything must have been answered. */
  settled(): void {
    this.#settle()
    assert(!this.connection.isEnding, `${this.#base}: a witness was thrown out`)
    assert(this.#expected.length === 0, () => `${this.#base}: ${this.#expected.length} answers due`)
  }

  #settle(): void {
    while (this.#port.deliver(this.connection)) this.#listen()
    this.#port.finishDisk()
    this.#listen()
  }

  #one(): void {
    const path = `${this.#base}/n${this.#random.below(4)}`
    const known = this.#nodes.get(path)
    switch (this.#random.below(6)) {
      case 0:
        if (known === undefined) this.#create(path, CreateMode.persistent)
        else this.#delete(path)
        break
      case 1:
        this.#set(path, known)
        break
      case 2:
        this.#watch(path, known)
        break
      case 3:
        this.#ask(OpCode.ping, () => {}, { xid: Xid.ping })
        break
      default:
        this.#get(path, known)
    }
  }

  #create(path: string, mode: CreateMode, acl: readonly Acl[] = OWN_ACL): void {
    const data = this.#newData()
    this.#ask(
      OpCode.create,
      (out) => {
        out.ustring(path)
        out.buffer(data)
        aclList.write(out, acl)
        out.int(mode)
      },
      {
        event: this.#due(path, EventType.nodeCreated),
        check: (body) => assert(body.ustring() === path, 'created another path'),
      },
    )
    this.#nodes.set(path, { data, version: 0 })
  }

  #delete(path: string): void {
    this.#ask(
      OpCode.delete,
      (out) => {
        out.ustring(path)
        out.int(-1)
      },
      { event: this.#due(path, EventType.nodeDeleted) },
    )
    this.#nodes.delete(path)
  }

  #set(path: string, known: OwnNode | undefined): void {
    const data = this.#newData()
    const version = known?.version ?? 0
    this.#ask(
      OpCode.setData,
      (out) => {
        out.ustring(path)
        out.buffer(data)
        out.int(version)
      },
      known === undefined
        ? { error: ErrorCode.NoNode }
        : {
            event: this.#due(path, EventType.nodeDataChanged),
            check: (body) => assert(stat.read(body).version === version + 1, 'another version'),
          },
    )
    if (known !== undefined) this.#nodes.set(path, { data, version: version + 1 })
  }

  #get(path: string, known: OwnNode | undefined): void {
    this.#ask(
      OpCode.getData,
      (out) => {
        out.ustring(path)
        out.bool(false)
      },
      known === undefined
        ? { error: ErrorCode.NoNode }
        : {
            check: (body) => {
              assert(equalBytes(body.buffer()!, known.data), `${path}: other data`)
              assert(stat.read(body).version === known.version, `${path}: another version`)
            },
          },
    )
  }

  #watch(path: string, known: OwnNode | undefined): void {
    this.#ask(
      OpCode.exists,
      (out) => {
        out.ustring(path)
        out.bool(true)
      },
      known === undefined
        ? { error: ErrorCode.NoNode }
        : { check: (body) => assert(stat.read(body).version === known.version, 'other version') },
    )
    this.#watched.add(path)
  }

  #due(path: string, type: number): { type: number; path: string } | null {
    return this.#watched.delete(path) ? { type, path } : null
  }

  #newData(): Uint8Array {
    return new Uint8Array(this.#random.below(100)).fill(this.#random.below(256))
  }

  #ask(op: number, body: Parameters<typeof request>[2], expected: Partial<Expected> = {}): void {
    const xid = expected.xid ?? ++this.#xid
    this.#expected.push({ error: ErrorCode.Ok, event: null, check: () => {}, ...expected, xid })
    this.connection.push(request(xid, op, body))
  }

  #listen(): void {
    this.#port.take(this.connection)
    for (const chunk of this.connection.takeReceived()) {
      for (const reply of this.#stream.push(chunk)) this.#onReply(reply)
    }
  }

  #onReply(reply: Reply): void {
    if (reply.xid === Xid.notification) {
      const { type, path } = watcherEvent.read(reply.body)
      assert(this.#heard === null, `an unexpected event for ${path}`)
      this.#heard = { type, path: path ?? '' }
      return
    }
    const expected = this.#expected.shift()
    assert(expected !== undefined && expected.xid === reply.xid, `reply ${reply.xid} out of order`)
    assert(reply.err === expected.error, `${reply.err} instead of ${expected.error}`)
    const { event } = expected
    assert(
      event === null
        ? this.#heard === null
        : event.type === this.#heard?.type && event.path === this.#heard.path,
      () => `event ${JSON.stringify(this.#heard)} instead of ${JSON.stringify(event)}`,
    )
    this.#heard = null
    if (reply.err === ErrorCode.Ok) expected.check(reply.body)
    this.#answered++
  }
}
