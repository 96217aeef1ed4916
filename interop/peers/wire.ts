/**
 * The client protocol's bytes, written down a second time. The history sent to both servers and the
 * reading of their answers use this and not `src/core`, so that a mistake in our codec cannot
 * hide itself by being made on both ends. Slow and plain; throws on anything unexpected.
 *
 *   frame:  i32 length | payload        request: i32 xid, i32 opcode, body
 *                                       reply:   i32 xid, i64 zxid, i32 err, body
 */

export type Bytes = Buffer<ArrayBufferLike>

export const opcode = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  closeSession: -11,
} as const

export type Opcode = (typeof opcode)[keyof typeof opcode]

export const xids = { notification: -1, ping: -2, auth: -4 } as const

export interface Acl {
  readonly perms: number
  readonly scheme: string | null
  readonly id: string | null
}

export const openAcl: readonly Acl[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]

/** Writes jute primitives one after another. */
export class WireWriter {
  readonly #parts: Bytes[] = []

  byte(value: number): this {
    this.#parts.push(Buffer.from([value & 0xff]))
    return this
  }

  int(value: number): this {
    const bytes = Buffer.alloc(4)
    bytes.writeInt32BE(value | 0)
    this.#parts.push(bytes)
    return this
  }

  long(value: bigint): this {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64BE(BigInt.asIntN(64, value))
    this.#parts.push(bytes)
    return this
  }

  buffer(value: Uint8Array | null): this {
    if (value === null) return this.int(-1)
    this.int(value.length)
    this.#parts.push(Buffer.from(value))
    return this
  }

  string(value: string | null): this {
    return this.buffer(value === null ? null : Buffer.from(value, 'utf8'))
  }

  strings(values: readonly string[] | null): this {
    if (values === null) return this.int(-1)
    this.int(values.length)
    for (const value of values) this.string(value)
    return this
  }

  acl(entries: readonly Acl[] | null): this {
    if (entries === null) return this.int(-1)
    this.int(entries.length)
    for (const { perms, scheme, id } of entries) this.int(perms).string(scheme).string(id)
    return this
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(Buffer.from(bytes))
    return this
  }

  toBytes(): Bytes {
    return Buffer.concat(this.#parts)
  }
}

/** Reads jute primitives one after another. */
export class WireReader {
  readonly #bytes: Bytes
  #offset = 0

  constructor(bytes: Bytes) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset
  }

  byte(): number {
    return this.#take(1).readUInt8(0)
  }

  int(): number {
    return this.#take(4).readInt32BE(0)
  }

  long(): bigint {
    return this.#take(8).readBigInt64BE(0)
  }

  buffer(): Bytes | null {
    const length = this.int()
    return length === -1 ? null : this.#take(length)
  }

  /** Apache writes a character beyond the base plane as two surrogates of three bytes each. */
  string(): string | null {
    const bytes = this.buffer()
    if (bytes === null) return null
    const text = bytes.toString('latin1').replaceAll(surrogatePair, (pair) => {
      const codeUnits = [0, 3].map((at) => surrogateAt(pair, at))
      return Buffer.from(String.fromCharCode(...codeUnits)).toString('latin1')
    })
    return Buffer.from(text, 'latin1').toString('utf8')
  }

  list<T>(read: () => T): T[] | null {
    const count = this.int()
    if (count === -1) return null
    const values: T[] = []
    for (let index = 0; index < count; index++) values.push(read())
    return values
  }

  rest(): Bytes {
    return this.#take(this.remaining)
  }

  #take(count: number): Bytes {
    if (count < 0 || count > this.remaining) {
      throw new Error(`wanted ${count} bytes, ${this.remaining} left`)
    }
    const taken = this.#bytes.subarray(this.#offset, this.#offset + count)
    this.#offset += count
    return taken
  }
}

const surrogatePair = /\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]/g

function surrogateAt(bytes: string, at: number): number {
  return 0xd000 | ((bytes.charCodeAt(at + 1) & 0x3f) << 6) | (bytes.charCodeAt(at + 2) & 0x3f)
}

export interface Stat {
  readonly czxid: bigint
  readonly mzxid: bigint
  readonly ctime: bigint
  readonly mtime: bigint
  readonly version: number
  readonly cversion: number
  readonly aversion: number
  readonly ephemeralOwner: bigint
  readonly dataLength: number
  readonly numChildren: number
  readonly pzxid: bigint
}

export function readStat(reader: WireReader): Stat {
  return {
    czxid: reader.long(),
    mzxid: reader.long(),
    ctime: reader.long(),
    mtime: reader.long(),
    version: reader.int(),
    cversion: reader.int(),
    aversion: reader.int(),
    ephemeralOwner: reader.long(),
    dataLength: reader.int(),
    numChildren: reader.int(),
    pzxid: reader.long(),
  }
}

export function readAcl(reader: WireReader): Acl[] | null {
  return reader.list(() => ({ perms: reader.int(), scheme: reader.string(), id: reader.string() }))
}

export interface ReplyHeader {
  readonly xid: number
  readonly zxid: bigint
  readonly err: number
}

export function readReplyHeader(reader: WireReader): ReplyHeader {
  return { xid: reader.int(), zxid: reader.long(), err: reader.int() }
}

export function requestPayload(xid: number, type: number, body: Uint8Array): Bytes {
  return new WireWriter().int(xid).int(type).raw(body).toBytes()
}

export interface ConnectOptions {
  readonly sessionId?: bigint
  readonly password?: Uint8Array | null
  readonly timeoutMs?: number
  readonly lastZxidSeen?: bigint
  /** null leaves the byte out, as clients before 3.4 did. */
  readonly readOnly?: boolean | null
}

export function connectPayload(options: ConnectOptions = {}): Bytes {
  const writer = new WireWriter()
    .int(0)
    .long(options.lastZxidSeen ?? 0n)
    .int(options.timeoutMs ?? 30_000)
    .long(options.sessionId ?? 0n)
    .buffer(options.password === undefined ? Buffer.alloc(16) : options.password)
  if (options.readOnly !== null) writer.byte(options.readOnly === true ? 1 : 0)
  return writer.toBytes()
}

export interface ConnectResponse {
  readonly protocolVersion: number
  readonly timeoutMs: number
  readonly sessionId: bigint
  readonly password: Bytes | null
  readonly readOnly: number | null
}

export function readConnectResponse(payload: Bytes): ConnectResponse {
  const reader = new WireReader(payload)
  return {
    protocolVersion: reader.int(),
    timeoutMs: reader.int(),
    sessionId: reader.long(),
    password: reader.buffer(),
    readOnly: reader.remaining > 0 ? reader.byte() : null,
  }
}
