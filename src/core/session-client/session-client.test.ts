import { describe, expect, it } from 'vitest'
import { ScriptedPeer, SESSION_ID, writeStat } from '../../../test/support/scripted-peer.ts'
import { OpCode } from '../records/opcodes.ts'
import { setWatches2Request, setWatchesRequest } from '../records/requests.ts'
import { EventType } from '../records/watches.ts'
import { Call } from './call.ts'

const NO_NODE = -101
const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('connecting', () => {
  it('asks for a new session and reports it', () => {
    const peer = new ScriptedPeer().connect(6_000)
    expect(peer.connectRequest).toMatchObject({ sessionId: 0n, timeOut: 9_000, readOnly: false })
    expect(peer.machine.sessionId).toBe(SESSION_ID)
    expect(peer.machine.sessionTimeoutMs).toBe(6_000)
    expect(peer.states()).toEqual(['connected'])
  })

  it('goes round all hosts at once, then waits with growing pauses', () => {
    const peer = new ScriptedPeer({}, ['a', 'b', 'c'])
    peer.machine.start(peer.nowMs)
    peer.collect()
    const tried = [peer.host?.host]
    for (let i = 0; i < 2; i++) {
      peer.breakConnection('refused')
      tried.push(peer.host?.host)
    }
    expect(tried).toEqual(['a', 'b', 'c'])
    peer.breakConnection('refused')
    expect(peer.machine.wakeAtMs).toBeGreaterThan(peer.nowMs)
    const attempts = peer.attempt
    peer.advance(60)
    expect(peer.attempt).toBe(attempts + 1)
  })

  it('leaves a server that accepts and says nothing', () => {
    const peer = new ScriptedPeer({ connectTimeoutMs: 500 }, ['a', 'b'])
    peer.machine.start(peer.nowMs)
    peer.collect()
    peer.open()
    peer.advance(499)
    expect(peer.host?.host).toBe('a')
    peer.advance(1)
    expect(peer.host?.host).toBe('b')
    expect(peer.outputs).toContainEqual({
      kind: 'attempt-failed',
      host: { host: 'a', port: 2181 },
      reason: 'no answer to the handshake in 500 ms',
    })
  })

  it('does not hammer a server that drops each connection as soon as it is established', () => {
    const peer = new ScriptedPeer().connect()
    for (let i = 0; i < 8; i++) {
      peer.breakConnection()
      if (peer.machine.wakeAtMs > peer.nowMs) peer.advance(peer.machine.wakeAtMs - peer.nowMs)
      peer.accept()
    }
    expect(peer.nowMs - 1_000).toBeGreaterThan(500)
  })

  it('starts each connection with an empty frame buffer', () => {
    const peer = new ScriptedPeer().connect()
    peer.bytes(new Uint8Array([0, 0, 0, 60, 1, 2, 3, 4, 5, 6]))
    peer.breakConnection()
    peer.advance(100)
    peer.accept()
    expect(peer.machine.state).toBe('connected')
    expect(peer.machine.sessionId).toBe(SESSION_ID)
  })
})

describe('calls', () => {
  it('are answered in order, each with its own value', () => {
    const peer = new ScriptedPeer().connect()
    const get = peer.submit(OpCode.getData, '/a')
    const children = peer.submit(OpCode.getChildren2, '/a')
    const [first, second] = [peer.nextRequest(), peer.nextRequest()]
    peer.reply(first.xid, 5, 0, (writer) => {
      writer.buffer(text('hello'))
      writeStat(writer, 4, 3)
    })
    peer.reply(second.xid, 5, 0, (writer) => {
      writer.int(1)
      writer.ustring('b')
      writeStat(writer, 4)
    })
    expect(get.value?.data).toEqual(text('hello'))
    expect(get.value?.stat).toMatchObject({ mzxid: 4, version: 3 })
    expect(children.value?.names).toEqual(['b'])
    expect(peer.machine.lastZxid).toBe(5)
  })

  it('report an error code of the server, also one that nobody knows', () => {
    const peer = new ScriptedPeer().connect()
    const known = peer.submit(OpCode.delete, '/a')
    const unknown = peer.submit(OpCode.delete, '/b')
    peer.reply(peer.nextRequest().xid, 7, NO_NODE)
    peer.reply(peer.nextRequest().xid, 8, -999)
    expect(known).toMatchObject({ state: 'settled', failure: null, error: NO_NODE, zxid: 7 })
    expect(unknown).toMatchObject({ state: 'settled', failure: null, error: -999 })
    expect(peer.machine.state).toBe('connected')
  })

  it('wait while there is no connection and go out in order afterwards', () => {
    const peer = new ScriptedPeer()
    const data = text('x')
    peer.submit(OpCode.setData, '/a', (call) => {
      call.data = data
    })
    data[0] = 0
    peer.submit(OpCode.exists, '/b')
    peer.connect()
    const first = peer.nextRequest()
    expect([first.op, peer.nextRequest().op]).toEqual([OpCode.setData, OpCode.exists])
    first.body.ustring()
    expect(first.body.buffer()).toEqual(text('x'))
  })

  it('are sent again after a lost connection if they only read, and fail if they write', () => {
    const peer = new ScriptedPeer().connect()
    const read = peer.submit(OpCode.getData, '/r')
    const write = peer.submit(OpCode.setData, '/w')
    const declared = peer.submit(OpCode.setData, '/i', (call) => {
      call.resend = true
      call.data = text('again')
    })
    peer.breakConnection()
    expect(write).toMatchObject({ failure: 'connection-loss', sends: 1 })
    peer.advance(100)
    peer.accept()
    const sent = [peer.nextRequest(), peer.nextRequest()]
    expect(sent.map(({ op, body }) => [op, body.ustring()])).toEqual([
      [OpCode.getData, '/r'],
      [OpCode.setData, '/i'],
    ])
    expect(sent[1]?.body.buffer()).toEqual(text('again'))
    expect([read.state, declared.state, declared.sends]).toEqual(['sent', 'sent', 2])
  })

  it('learn that the connection is gone only after the state says so', () => {
    const peer = new ScriptedPeer().connect()
    peer.submit(OpCode.setData, '/w')
    peer.outputs.length = 0
    peer.breakConnection()
    expect(peer.kinds().slice(0, 2)).toEqual(['state', 'call'])
  })

  it('fail at their deadline, and a late answer disturbs nobody', () => {
    const peer = new ScriptedPeer().connect()
    const late = peer.submit(OpCode.getData, '/late', (call) => {
      call.deadlineMs = peer.nowMs + 100
    })
    const next = peer.submit(OpCode.delete, '/next')
    peer.advance(100)
    expect(late).toMatchObject({ state: 'settled', failure: 'timeout', sends: 1 })
    peer.reply(peer.nextRequest().xid, 5, NO_NODE)
    peer.reply(peer.nextRequest().xid, 6)
    expect(next.succeeded).toBe(true)
    expect(late.error).toBe(0)
  })

  it('fail at their deadline while nothing was sent at all', () => {
    const peer = new ScriptedPeer()
    peer.machine.start(peer.nowMs)
    peer.collect()
    const call = peer.submit(OpCode.create2, '/a', (one) => {
      one.deadlineMs = peer.nowMs + 2_000
    })
    peer.breakConnection('refused')
    peer.advance(2_000)
    expect(call).toMatchObject({ failure: 'timeout', sends: 0 })
    expect(peer.machine.waiting).toBe(0)
  })

  it('are refused when too many wait, or when none may wait', () => {
    const few = new ScriptedPeer({ offline: { calls: 1, bytes: 100 } })
    few.submit(OpCode.exists, '/a')
    expect(few.submit(OpCode.exists, '/b').failure).toBe('queue-full')
    const none = new ScriptedPeer({ offline: { calls: 0, bytes: 0 } })
    expect(none.submit(OpCode.exists, '/a').failure).toBe('not-connected')
  })

  it('keep to the number that may be in flight', () => {
    const peer = new ScriptedPeer({ inFlightMax: 2 }).connect()
    for (let i = 0; i < 3; i++) peer.submit(OpCode.exists, `/${i}`)
    expect([peer.machine.inFlight, peer.machine.waiting]).toEqual([2, 1])
    peer.reply(peer.nextRequest().xid, 1, NO_NODE)
    expect([peer.machine.inFlight, peer.machine.waiting]).toEqual([2, 0])
  })

  it('too large to be accepted are not sent', () => {
    const peer = new ScriptedPeer({ sendBytesMax: 200 }).connect()
    const call = peer.submit(OpCode.setData, '/a', (one) => {
      one.data = new Uint8Array(300)
    })
    expect(call).toMatchObject({ failure: 'too-large', sends: 0 })
    expect(peer.requests).toEqual([])
  })

  it('read the results of a multi, also of one that failed', () => {
    const peer = new ScriptedPeer().connect()
    const ops = [
      { op: OpCode.check, path: '/a', data: null, acl: null, flags: 0, version: 3, ttlMs: 0 },
    ]
    const call = peer.submit(OpCode.multi, '', (one) => {
      one.ops = ops
    })
    peer.reply(peer.nextRequest().xid, 9, 0, (writer) => {
      for (const code of [-103, -103]) {
        writer.int(-1)
        writer.bool(false)
        writer.int(code)
        writer.int(code)
      }
      writer.int(-1)
      writer.bool(true)
      writer.int(-1)
    })
    expect(call.value?.results).toEqual([
      { op: -1, error: -103, reply: null },
      { op: -1, error: -103, reply: null },
    ])
  })
})

describe('a server that misbehaves', () => {
  it('loses its connection over an answer that nobody asked for', () => {
    const peer = new ScriptedPeer().connect()
    const call = peer.submit(OpCode.delete, '/a')
    peer.reply(77, 1)
    expect(call.failure).toBe('connection-loss')
    expect(peer.machine.state).toBe('suspended')
  })

  it('loses its connection over an answer that cannot be read, and the call is not repeated', () => {
    const peer = new ScriptedPeer().connect()
    const call = peer.submit(OpCode.getData, '/a')
    peer.reply(peer.nextRequest().xid, 1, 0, (writer) => writer.int(5))
    expect(call.failure).toBe('protocol')
    expect(peer.machine.state).toBe('suspended')
    expect(peer.machine.waiting).toBe(0)
  })

  it('loses its connection over an answer beyond the limit, and the call is not repeated', () => {
    const peer = new ScriptedPeer({ receiveBytesMax: 1_000 }).connect()
    const call = peer.submit(OpCode.getChildren2, '/many')
    peer.bytes(new Uint8Array([0, 0, 4, 0]))
    expect(call.failure).toBe('too-large')
    expect(peer.machine.state).toBe('suspended')
    expect(peer.machine.waiting).toBe(0)
  })
})

describe('staying alive', () => {
  it('pings when nothing is sent, and whatever is sent postpones the ping', () => {
    const peer = new ScriptedPeer().connect(9_000)
    peer.advance(2_000)
    expect(peer.requests).toEqual([])
    peer.advance(300)
    expect(peer.nextRequest()).toMatchObject({ xid: -2, op: OpCode.ping })
  })

  it('leaves a server that is silent for two thirds of the timeout although it keeps sending', () => {
    const peer = new ScriptedPeer({}, ['a', 'b']).connect(9_000)
    for (let i = 0; i < 12; i++) {
      peer.submit(OpCode.exists, '/a')
      peer.advance(499)
    }
    expect(peer.machine.state).toBe('connected')
    peer.advance(12)
    expect(peer.machine.state).toBe('suspended')
    expect(peer.host?.host).toBe('b')
  })

  it('resumes its session with the highest zxid it has seen', () => {
    const peer = new ScriptedPeer().connect()
    peer.submit(OpCode.delete, '/a')
    peer.reply(peer.nextRequest().xid, 42)
    peer.breakConnection()
    peer.advance(100)
    peer.accept()
    expect(peer.connectRequest).toMatchObject({ sessionId: SESSION_ID, lastZxidSeen: 42n })
    expect(peer.connectRequest?.passwd).toEqual(new Uint8Array(16).fill(7))
    expect(peer.states()).toEqual(['connected', 'suspended', 'connected'])
  })

  it('loses the session when a server does not know it, and asks for another', () => {
    const peer = new ScriptedPeer().connect()
    peer.breakConnection()
    peer.advance(100)
    const write = peer.submit(OpCode.create2, '/e')
    const read = peer.submit(OpCode.exists, '/e')
    peer.open()
    peer.grant(0, 0n)
    expect(write.failure).toBe('session-lost')
    expect(read.state).toBe('queued')
    expect(peer.machine.sessionId).toBe(0n)
    peer.accept(9_000, 2n)
    expect(peer.connectRequest?.sessionId).toBe(0n)
    expect(peer.states()).toEqual(['connected', 'suspended', 'lost', 'connected'])
    expect(peer.outputs.filter(({ kind }) => kind === 'state').at(-1)).toMatchObject({
      newSession: true,
      sessionId: 2n,
    })
    expect(read.state).toBe('sent')
  })

  it('gives the session up by itself after four thirds of the timeout without a server', () => {
    const peer = new ScriptedPeer().connect(9_000)
    peer.breakConnection()
    peer.advance(11_999)
    expect(peer.machine.state).toBe('suspended')
    peer.advance(1)
    expect(peer.machine.state).toBe('lost')
    expect(peer.machine.sessionId).toBe(0n)
  })

  it('does not take a late answer for the old session as a new one', () => {
    const peer = new ScriptedPeer({ connectTimeoutMs: 100_000 }).connect(9_000)
    peer.breakConnection()
    peer.advance(100)
    peer.open()
    const stale = peer.attempt
    peer.advance(12_000)
    expect(peer.machine.state).toBe('lost')
    peer.attempt = stale
    peer.grant()
    expect(peer.machine.sessionId).toBe(0n)
  })

  it('closes for good on a lost session when told so', () => {
    const peer = new ScriptedPeer({ renewSession: false }).connect(9_000)
    peer.breakConnection()
    const read = peer.submit(OpCode.exists, '/a')
    peer.advance(12_000)
    expect(peer.states()).toEqual(['connected', 'suspended', 'lost', 'closed'])
    expect(read.failure).toBe('session-lost')
    expect(peer.submit(OpCode.exists, '/b').failure).toBe('closed')
    expect(peer.machine.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('ends the session on closing, after what was asked before', () => {
    const peer = new ScriptedPeer().connect()
    const before = peer.submit(OpCode.delete, '/a')
    peer.machine.close(peer.nowMs, 1_000, false)
    peer.collect()
    const [first, second] = [peer.nextRequest(), peer.nextRequest()]
    expect(second.op).toBe(OpCode.closeSession)
    peer.reply(first.xid, 3)
    peer.reply(second.xid, 4)
    expect(before.succeeded).toBe(true)
    expect(peer.machine.state).toBe('closed')
  })

  it('closes at its deadline when no server answers', () => {
    const peer = new ScriptedPeer().connect()
    peer.breakConnection()
    peer.machine.close(peer.nowMs, 1_000, false)
    peer.advance(999)
    expect(peer.machine.state).toBe('suspended')
    peer.advance(1)
    expect(peer.machine.state).toBe('closed')
  })
})

describe('the safety horizon', () => {
  it('counts from the sending of what was answered, less a margin', () => {
    const peer = new ScriptedPeer().connect(9_000)
    const establishedAt = peer.nowMs
    const margin = 1_250
    expect(peer.machine.safeUntilMs).toBe(establishedAt + 9_000 - margin)
    peer.advance(1_000)
    peer.submit(OpCode.exists, '/a')
    const sentAt = peer.nowMs
    peer.advance(500)
    expect(peer.machine.safeUntilMs).toBe(establishedAt + 9_000 - margin)
    peer.reply(peer.nextRequest().xid, 1, NO_NODE)
    expect(peer.machine.safeUntilMs).toBe(sentAt + 9_000 - margin)
  })

  it('ends the validity at the moment of asking, before any timer has run', () => {
    const peer = new ScriptedPeer().connect(9_000)
    const wall = 1_700_000_000_000
    peer.machine.observeClocks(peer.nowMs, wall)
    expect(peer.machine.isSafe(peer.nowMs + 7_000, wall + 7_000)).toBe(true)
    expect(peer.machine.isSafe(peer.nowMs + 7_750, wall + 7_750)).toBe(false)
  })

  it('distrusts a machine that slept until a server has answered again', () => {
    const peer = new ScriptedPeer().connect(9_000)
    const wall = 1_700_000_000_000
    peer.machine.observeClocks(peer.nowMs, wall)
    expect(peer.machine.isSafe(peer.nowMs, wall + 20_000)).toBe(false)
    peer.machine.observeClocks(peer.nowMs, wall + 20_000)
    peer.collect()
    expect(peer.machine.isSafe(peer.nowMs, wall + 20_000)).toBe(false)
    peer.reply(peer.nextRequest().xid, 0)
    expect(peer.machine.isSafe(peer.nowMs, wall + 20_000)).toBe(true)
  })

  it('takes no harm from a wall clock that is set back', () => {
    const peer = new ScriptedPeer().connect(9_000)
    peer.machine.observeClocks(peer.nowMs, 1_700_000_000_000)
    peer.machine.observeClocks(peer.nowMs, 1_600_000_000_000)
    expect(peer.machine.isSafe(peer.nowMs, 1_600_000_000_000)).toBe(true)
  })
})

describe('identities', () => {
  const identity = { scheme: 'digest', data: text('u:p') }

  it('go out before anything else on each connection', () => {
    const peer = new ScriptedPeer({ auth: [identity] })
    peer.submit(OpCode.getData, '/a')
    peer.connect()
    expect([peer.nextRequest().op, peer.nextRequest().op]).toEqual([OpCode.auth, OpCode.getData])
    peer.reply(-4, 0)
    peer.breakConnection()
    peer.advance(100)
    peer.accept()
    expect([peer.nextRequest().op, peer.nextRequest().op]).toEqual([OpCode.auth, OpCode.getData])
  })

  it('may be answered before requests that were sent earlier', () => {
    const peer = new ScriptedPeer().connect()
    const get = peer.submit(OpCode.exists, '/a')
    const request = peer.nextRequest()
    peer.machine.addAuth(identity, new Call<string, string>(OpCode.auth, '', 'auth'))
    peer.collect()
    peer.reply(-4, 0)
    peer.reply(request.xid, 1, NO_NODE)
    expect(get.state).toBe('settled')
    expect(peer.outputs.at(-2)).toMatchObject({ kind: 'call', op: OpCode.auth, failure: null })
  })

  it('that are refused end the client', () => {
    const peer = new ScriptedPeer({ auth: [identity] }).connect()
    const call = peer.submit(OpCode.exists, '/a')
    peer.reply(-4, 0, -115)
    expect(peer.machine.state).toBe('authFailed')
    expect(call.failure).toBe('auth-failed')
  })
})

describe('watches', () => {
  it('that fire once do so before the answer that shows the change', () => {
    const peer = new ScriptedPeer().connect()
    peer.submit(OpCode.getData, '/a', (call) => {
      call.watcher = peer.watch('data', '/a')
    })
    const { xid, body } = peer.nextRequest()
    expect([body.ustring(), body.bool()]).toEqual(['/a', true])
    peer.reply(xid, 1, 0, (writer) => {
      writer.buffer(null)
      writeStat(writer, 1)
    })
    peer.outputs.length = 0
    const set = peer.submit(OpCode.setData, '/a')
    peer.notify(EventType.nodeDataChanged, '/a', 2)
    peer.reply(peer.nextRequest().xid, 2, 0, (writer) => writeStat(writer, 2, 1))
    expect(peer.kinds()).toEqual(['watch', 'call'])
    expect(peer.outputs[0]).toMatchObject({ type: EventType.nodeDataChanged, path: '/a', zxid: 2 })
    expect(peer.outputs[1]).toBe(set)
    peer.notify(EventType.nodeDataChanged, '/a', 3)
    expect(peer.kinds()).toEqual(['watch', 'call'])
  })

  it('on a node that does not exist are kept only by exists', () => {
    const peer = new ScriptedPeer().connect()
    peer.submit(OpCode.getData, '/a', (call) => {
      call.watcher = peer.watch('data', '/a')
    })
    peer.submit(OpCode.exists, '/b', (call) => {
      call.watcher = peer.watch('exists', '/b')
    })
    peer.reply(peer.nextRequest().xid, 1, NO_NODE)
    peer.reply(peer.nextRequest().xid, 1, NO_NODE)
    peer.notify(EventType.nodeCreated, '/a')
    peer.notify(EventType.nodeCreated, '/b')
    expect(peer.outputs.filter(({ kind }) => kind === 'watch')).toMatchObject([{ path: '/b' }])
  })

  it('are set again after a reconnect, and persistent ones learn of the gap', () => {
    const peer = new ScriptedPeer().connect()
    const once = peer.watch('exists', '/once')
    const below = peer.watch('recursive', '/r')
    peer.submit(OpCode.exists, '/once', (call) => {
      call.watcher = once
    })
    peer.submit(OpCode.addWatch, '/r', (call) => {
      call.version = 1
      call.watcher = below
    })
    peer.reply(peer.nextRequest().xid, 5, NO_NODE)
    peer.reply(peer.nextRequest().xid, 5, 0, (writer) => writer.int(0))
    peer.breakConnection()
    peer.advance(100)
    peer.accept()
    const request = peer.nextRequest()
    expect(request.op).toBe(OpCode.setWatches2)
    expect(setWatches2Request.read(request.body)).toEqual({
      relativeZxid: 5n,
      dataWatches: [],
      existWatches: ['/once'],
      childWatches: [],
      persistentWatches: [],
      persistentRecursiveWatches: ['/r'],
    })
    peer.outputs.length = 0
    peer.notify(EventType.nodeCreated, '/once')
    peer.reply(request.xid, 9)
    expect(peer.outputs).toMatchObject([
      { kind: 'watch', watcher: once, zxid: null },
      { kind: 'watch-rearmed', watcher: below, fromZxid: 5, toZxid: 9, newSession: false },
    ])
    peer.notify(EventType.nodeCreated, '/r/deep/down', 10)
    expect(peer.outputs.at(-1)).toMatchObject({ watcher: below, path: '/r/deep/down', zxid: 10 })
  })

  it('are set again in batches that a server accepts', () => {
    const peer = new ScriptedPeer({ inFlightMax: 100_000 }).connect()
    const count = 5_000
    for (let i = 0; i < count; i++) {
      const path = `/some/long/path/of/a/watched/node/${String(i).padStart(20, '0')}`
      peer.submit(OpCode.getChildren2, path, (call) => {
        call.watcher = peer.watch('children', path)
      })
      peer.reply(peer.nextRequest().xid, 1, 0, (writer) => {
        writer.int(0)
        writeStat(writer, 1)
      })
    }
    peer.breakConnection()
    peer.advance(100)
    peer.accept()
    const batches = peer.requests.map(({ op, body }) => {
      expect(op).toBe(OpCode.setWatches)
      expect(body.bytes.length).toBeLessThan(256 << 10)
      return setWatchesRequest.read(body).childWatches?.length ?? 0
    })
    expect(batches.length).toBeGreaterThan(1)
    expect(batches.reduce((sum, one) => sum + one, 0)).toBe(count)
  })

  it('are removed on the server when the last one interested is gone', () => {
    const peer = new ScriptedPeer().connect()
    const [one, two] = [peer.watch('persistent', '/a'), peer.watch('persistent', '/a')]
    for (const watcher of [one, two]) {
      peer.submit(OpCode.addWatch, '/a', (call) => {
        call.version = 0
        call.watcher = watcher
      })
      peer.reply(peer.nextRequest().xid, 1, 0, (writer) => writer.int(0))
    }
    peer.machine.dropWatcher(one, peer.nowMs)
    peer.collect()
    expect(peer.requests).toEqual([])
    peer.machine.dropWatcher(two, peer.nowMs)
    peer.collect()
    const request = peer.nextRequest()
    expect([request.op, request.body.ustring(), request.body.int()]).toEqual([
      OpCode.removeWatches,
      '/a',
      4,
    ])
    peer.reply(request.xid, 1, -121)
    expect(peer.machine.state).toBe('connected')
  })

  it('dropped before they were set are removed as soon as the server has them', () => {
    const peer = new ScriptedPeer().connect()
    const watcher = peer.watch('data', '/a')
    const call = peer.submit(OpCode.getData, '/a', (one) => {
      one.watcher = watcher
    })
    peer.machine.abandon(call, 'not needed')
    peer.collect()
    expect(call.failure).toBe('aborted')
    peer.reply(peer.nextRequest().xid, 1, 0, (writer) => {
      writer.buffer(null)
      writeStat(writer, 1)
    })
    expect(peer.nextRequest().op).toBe(OpCode.removeWatches)
  })
})

describe('a read-only server', () => {
  it('gives a session that is not taken to another server', () => {
    const peer = new ScriptedPeer({ readOnly: true })
    peer.machine.start(peer.nowMs)
    peer.collect()
    peer.accept(9_000, 5n, true)
    expect(peer.machine.state).toBe('readOnly')
    peer.breakConnection()
    peer.advance(100)
    peer.open()
    expect(peer.connectRequest?.sessionId).toBe(0n)
    expect(peer.states()).toEqual(['readOnly', 'suspended', 'lost'])
  })
})
