/**
 * Turns one server's frames into lines of text that are equal for equal behaviour. What may differ
 * between two servers is replaced by what it stands for: session ids by the order in which sessions
 * were made, times by whether they are the time of their transaction, sets by their sorted form.
 * Everything else, zxids included, is printed as it is.
 */
import {
  type Acl,
  type Bytes,
  opcode,
  readAcl,
  readConnectResponse,
  readReplyHeader,
  readStat,
  WireReader,
  xids,
} from '../peers/wire.ts'

export class Normaliser {
  readonly #sessions: bigint[] = []
  readonly #passwords = new Map<bigint, string>()
  readonly #timeOfZxid = new Map<bigint, bigint>()
  readonly #createdPaths: string[] = []
  lastZxid = 0n

  /** Paths that successful creates have answered since the last call. */
  takeCreatedPaths(): string[] {
    return this.#createdPaths.splice(0)
  }

  connectResponse(payload: Bytes): string {
    return orHex(payload, () => {
      const response = readConnectResponse(payload)
      const { timeoutMs, sessionId, readOnly, protocolVersion } = response
      const password = response.password?.toString('hex') ?? 'null'
      const known = this.#passwords.get(sessionId)
      if (sessionId !== 0n && known === undefined) {
        this.#sessions.push(sessionId)
        this.#passwords.set(sessionId, password)
      }
      const zeros = /^(00)*$/.test(password)
      const kind = zeros ? 'zeros' : known === undefined ? 'new' : known === password ? 'same' : '?'
      return `connected version=${protocolVersion} timeout=${timeoutMs} session=${this.#session(sessionId)} password=${kind}/${password.length / 2} readOnly=${readOnly}`
    })
  }

  isNotification(payload: Bytes): boolean {
    return payload.length >= 4 && payload.readInt32BE(0) === xids.notification
  }

  notification(payload: Bytes): string {
    return orHex(payload, () => {
      const reader = new WireReader(payload)
      const { zxid, err } = readReplyHeader(reader)
      const line = `event zxid=${zxid} err=${err} type=${reader.int()} state=${reader.int()} path=${show(reader.string())}`
      return line + leftover(reader)
    })
  }

  reply(payload: Bytes, type: number): string {
    return orHex(payload, () => {
      const reader = new WireReader(payload)
      const { xid, zxid, err } = readReplyHeader(reader)
      if (zxid > this.lastZxid) this.lastZxid = zxid
      const body = err === 0 || reader.remaining > 0 ? this.#body(reader, type) : ''
      return `reply xid=${xid} zxid=${zxid} err=${err}${body}${leftover(reader)}`
    })
  }

  #body(reader: WireReader, type: number): string {
    switch (type) {
      case opcode.create:
        return ` path=${this.#createdPath(reader)}`
      case opcode.create2:
      case opcode.createContainer:
      case opcode.createTTL:
        return ` path=${this.#createdPath(reader)} ${this.#stat(reader)}`
      case opcode.exists:
      case opcode.setData:
      case opcode.setACL:
        return ` ${this.#stat(reader)}`
      case opcode.getData:
      case opcode.reconfig:
        return ` data=${showData(reader.buffer())} ${this.#stat(reader)}`
      case opcode.getACL:
        return ` acl=${showAcl(readAcl(reader))} ${this.#stat(reader)}`
      case opcode.getChildren:
        return ` children=${showSet(reader.list(() => reader.string()))}`
      case opcode.getChildren2:
        return ` children=${showSet(reader.list(() => reader.string()))} ${this.#stat(reader)}`
      case opcode.sync:
        return ` path=${show(reader.string())}`
      case opcode.getEphemerals:
        return ` ephemerals=${showSet(reader.list(() => reader.string()))}`
      case opcode.getAllChildrenNumber:
        return ` total=${reader.int()}`
      case opcode.whoAmI:
        return ` ids=${showSet(reader.list(() => `${reader.string()}:${reader.string()}`))}`
      case opcode.sasl:
        return ` token=${showData(reader.buffer())}`
      case opcode.addWatch:
        return ` err=${reader.int()}`
      case opcode.multi:
      case opcode.multiRead:
        return this.#results(reader)
      default:
        return ''
    }
  }

  #results(reader: WireReader): string {
    const lines: string[] = []
    for (;;) {
      const type = reader.int()
      const done = reader.byte()
      const err = reader.int()
      const body = done !== 0 ? '' : type === -1 ? ` ${reader.int()}` : this.#body(reader, type)
      lines.push(`\n    type=${type} done=${done} err=${err}${body}`)
      if (done !== 0) return lines.join('')
    }
  }

  #createdPath(reader: WireReader): string {
    const path = reader.string()
    if (path !== null) this.#createdPaths.push(path)
    return show(path)
  }

  #stat(reader: WireReader): string {
    const stat = readStat(reader)
    return [
      'stat',
      `c=${stat.czxid}`,
      `m=${stat.mzxid}`,
      `p=${stat.pzxid}`,
      `ctime=${this.#time(stat.czxid, stat.ctime)}`,
      `mtime=${this.#time(stat.mzxid, stat.mtime)}`,
      `v=${stat.version}`,
      `cv=${stat.cversion}`,
      `av=${stat.aversion}`,
      `owner=${this.#session(stat.ephemeralOwner)}`,
      `len=${stat.dataLength}`,
      `children=${stat.numChildren}`,
    ].join(' ')
  }

  /** A transaction has one time, close to now: say so, or say how it is not so. */
  #time(zxid: bigint, time: bigint): string {
    if (time === 0n) return '0'
    // The membership's node has the time at which each server made it.
    if (zxid === 0n) return 'start'
    const known = this.#timeOfZxid.get(zxid)
    if (known !== undefined) return known === time ? 'T' : `${time - known} ms off its transaction`
    this.#timeOfZxid.set(zxid, time)
    const age = Date.now() - Number(time)
    return age > -1_000 && age < 3_600_000 ? 'T' : `${age} ms old`
  }

  #session(id: bigint): string {
    if (id === 0n) return '0'
    const index = this.#sessions.indexOf(id)
    return index >= 0 ? `s${index}` : `0x${BigInt.asUintN(64, id).toString(16)}`
  }
}

function show(value: string | null): string {
  return JSON.stringify(value)
}

function showSet(values: readonly (string | null)[] | null): string {
  if (values === null) return 'null'
  return `[${values.map(show).sort().join(', ')}]`
}

/** The order in which `auth` is expanded to several identities is a set's: sort those runs. */
function showAcl(entries: readonly Acl[] | null): string {
  if (entries === null) return 'null'
  const shown: string[] = []
  let run: string[] = []
  let runPerms: number | null = null
  for (const { perms, scheme, id } of entries) {
    const inRun = scheme === 'digest' && (runPerms === null || runPerms === perms)
    if (!inRun) shown.push(...run.sort())
    if (!inRun) run = []
    runPerms = scheme === 'digest' ? perms : null
    ;(scheme === 'digest' ? run : shown).push(`${perms} ${show(scheme)} ${show(id)}`)
  }
  return `[${[...shown, ...run.sort()].join(', ')}]`
}

function leftover(reader: WireReader): string {
  return reader.remaining === 0 ? '' : ` + ${reader.rest().toString('hex')}`
}

function orHex(payload: Bytes, decode: () => string): string {
  try {
    return decode()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return `undecodable (${reason}): ${payload.toString('hex')}`
  }
}

/** Two ensembles are alike but for their ports. */
function showData(data: Bytes | null): string {
  const text = data?.toString() ?? 'null'
  if (text.startsWith('server.')) return JSON.stringify(text.replace(/:\d+/g, ':port'))
  return data?.toString('hex') ?? text
}
