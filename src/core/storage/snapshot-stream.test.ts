// The stream of a database: what Apache servers sent is taken, in whatever pieces, and the database
// it makes gives the same stream again; what is no such stream is refused without harm.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { goldenVersions } from '../../../test/support/golden-data.ts'
import { type CapturedPacket, quorumPackets } from '../../../test/support/golden-wire.ts'
import { joinBytes } from '../../../test/support/storage-bench.ts'
import { encodeUtf8 } from '../../base/text.ts'
import type { Zxid } from '../../base/zxid.ts'
import { MalformedRecord } from '../jute/reader.ts'
import { JuteWriter } from '../jute/writer.ts'
import type { Acl } from '../records/acl.ts'
import { NO_ROW } from '../tree/data-tree.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import type { SnapshotSource } from './snapshot-encoder.ts'
import type { SnapshotVisitor } from './snapshot-reader.ts'
import { SnapshotIntake, SnapshotStream } from './snapshot-stream.ts'

interface StreamFields {
  readonly sessions: readonly { readonly id: string; readonly timeout: number }[]
  readonly aclMap: readonly { readonly id: number; readonly acl: readonly unknown[] }[]
  readonly nodes: number
}

/** A database as far as a stream has one. */
class Copy implements SnapshotVisitor {
  readonly tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
  readonly sessions: Array<[bigint, number]> = []
  readonly acls: Array<[number, readonly Acl[]]> = []
  /** Each node's bytes from its path on, in order of arrival. */
  readonly nodes: string[] = []

  session(id: bigint, timeoutMs: number): void {
    this.sessions.push([id, timeoutMs])
  }

  acl(aclId: number, list: readonly Acl[]): void {
    this.acls.push([aclId, list])
    this.tree.acls.load(aclId, list)
  }

  node(
    bytes: Uint8Array,
    pathStart: number,
    pathEnd: number,
    dataStart: number,
    dataEnd: number,
    aclId: number,
    statStart: number,
  ): boolean {
    const row = this.tree.load(bytes, pathStart, pathEnd, dataStart, dataEnd, aclId, statStart)
    if (row === NO_ROW) return false
    const out = new JuteWriter()
    this.tree.writeSnapshotNode(row, out)
    this.nodes.push(out.view().join())
    return true
  }

  get source(): SnapshotSource {
    const { tree, sessions } = this
    return { tree, sessions: () => sessions as never, lastZxid: () => 0x9_0000_0000 as Zxid }
  }

  /** The same whatever the order of siblings. */
  summary(): unknown {
    return { sessions: this.sessions, acls: this.acls, nodes: [...this.nodes].sort() }
  }
}

function taken(stream: Uint8Array, pieces: readonly number[] = [stream.length]): Copy {
  const copy = new Copy()
  const intake = new SnapshotIntake(copy)
  let at = 0
  for (const piece of pieces) {
    expect(intake.isWhole).toBe(false)
    const end = Math.min(stream.length, at + piece)
    at = intake.take(stream, at, end)
    expect(at).toBe(end)
  }
  expect(intake.isWhole).toBe(at === stream.length)
  return copy
}

function streamOf(source: SnapshotSource, pieceBytes = 1 << 20): Uint8Array {
  const stream = new SnapshotStream(source, 1 as Zxid)
  const pieces: Uint8Array[] = []
  for (let goesOn = true; goesOn; ) {
    const out = new JuteWriter()
    goesOn = stream.write(out, pieceBytes)
    pieces.push(out.copy())
  }
  return joinBytes(pieces)
}

const captured: readonly (readonly [string, CapturedPacket])[] = goldenVersions.flatMap((version) =>
  quorumPackets(version)
    .filter((packet) => packet.kind === 'SNAPSHOT-STREAM')
    .map((packet) => [`${version} ${packet.scenario} to ${packet.learner}`, packet] as const),
)

describe('a stream of ZooKeeper', () => {
  it('was captured often enough', () => {
    expect(captured.length).toBeGreaterThanOrEqual(8)
  })

  it.each(captured)('is taken, and the same is sent on: %s', (_name, { bytes, fields }) => {
    const copy = taken(bytes)
    const told = fields as unknown as StreamFields
    expect(copy.sessions.map(([id, timeout]) => ({ id: `0x${id.toString(16)}`, timeout }))).toEqual(
      told.sessions,
    )
    expect(copy.acls.map(([id]) => id)).toEqual(told.aclMap.map((entry) => entry.id))
    expect(copy.nodes).toHaveLength(told.nodes)
    const ours = streamOf(copy.source)
    expect(ours.length).toBe(bytes.length)
    expect(ours.slice(-19)).toEqual(bytes.slice(-19))
    expect(taken(ours).summary()).toEqual(copy.summary())
  })

  it('may be cut anywhere, and is followed by something else', () => {
    const { bytes } = captured[0]![1]
    const whole = taken(bytes).summary()
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (sizes) => {
        const pieces: number[] = []
        for (let left = bytes.length, i = 0; left > 0; i++) {
          const piece = Math.min(left, sizes[i % sizes.length]!)
          pieces.push(piece)
          left -= piece
        }
        expect(taken(bytes, pieces).summary()).toEqual(whole)
      }),
      { numRuns: 60 },
    )
    const intake = new SnapshotIntake(new Copy())
    const followed = joinBytes([Uint8Array.of(7, 7), bytes, Uint8Array.of(0, 0, 0, 5)])
    expect(intake.take(followed, 2, followed.length)).toBe(2 + bytes.length)
    expect(intake.isWhole).toBe(true)
    expect(intake.take(followed, 2 + bytes.length, followed.length)).toBe(2 + bytes.length)
  })

  it('is refused where its signature is another, or a field or count is beyond all bounds', () => {
    const { bytes } = captured[0]![1]
    const changed = (at: number, value: number): Uint8Array => {
      const copy = bytes.slice()
      copy[at < 0 ? copy.length + at : at] = value
      return copy
    }
    for (const bad of [changed(-1, 0x21), changed(-14, 1), changed(0, 0xff), changed(16, 0x80)]) {
      expect(() => taken(bad)).toThrow(MalformedRecord)
    }
    // The length of the path of /zookeeper, which follows the root.
    const [before, until] = bytes.join().split('47,122,111,111,107')
    const at = before!.split(',').length - 1
    expect(() => taken(changed(at - 4, 0x7f))).toThrow(/claims to be/)
    // The name of the parent in the path of its first child.
    const child = at + 5 + until!.split(',').length - 2
    expect(() => taken(changed(child + 1, 0x41))).toThrow(/before its parent/)
  })

  it('is held back only as far as one node is cut, however large', () => {
    const tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
    const data = new Uint8Array(300_000).fill(9)
    const insert = (name: string): void => {
      const bytes = encodeUtf8(name)
      tree.insert(0, bytes, 0, bytes.length, data, 0, data.length, -1, 0, 0, 1 as Zxid, 5)
    }
    for (const name of ['a', 'b', 'c']) insert(name)
    const stream = streamOf({ tree, sessions: () => [], lastZxid: () => 1 as Zxid })
    const copy = taken(stream, new Array(Math.ceil(stream.length / 1_000)).fill(1_000))
    expect(copy.tree.nodeCount).toBe(tree.nodeCount)
  })

  it('refuses nonsense, and never waits for more than a stream can hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer(), (noise, seed) => {
        const { bytes } = captured[0]![1]
        const copy = bytes.slice()
        const at = Math.abs(seed) % copy.length
        copy.set(noise.subarray(0, copy.length - at), at)
        try {
          new SnapshotIntake(new Copy(), 1 << 16).take(copy, 0, copy.length)
        } catch (error) {
          if (!(error instanceof MalformedRecord)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })

  it('refuses an access list that would never end', () => {
    const out = new JuteWriter()
    out.int(0)
    out.int(1)
    out.safeLong(5)
    out.int(0x7fff_ffff)
    const intake = new SnapshotIntake(new Copy(), 10_000)
    intake.take(out.bytes, 0, out.position)
    const entry = new JuteWriter()
    entry.int(31)
    entry.ustring('world')
    entry.ustring('anyone')
    expect(() => {
      for (let i = 0; i < 2_000; i++) intake.take(entry.bytes, 0, entry.position)
    }).toThrow(/an access list of more than 10000 bytes/)
  })
})

describe('a stream of a tree that changes', () => {
  it('shows each node as it is when its turn comes, and no child without its parent', () => {
    const tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
    let zxid = 1
    const insert = (name: string): number => {
      const bytes = encodeUtf8(name)
      return tree.insert(0, bytes, 0, bytes.length, bytes, 0, 1, -1, 0, 0, zxid as Zxid, 5)
    }
    const rows = Array.from({ length: 50 }, (_, i) => insert(`n${i}`))
    const stream = new SnapshotStream(
      { tree, sessions: () => [[5n as never, 30]], lastZxid: () => zxid as Zxid },
      1 as Zxid,
    )
    const copy = new Copy()
    const intake = new SnapshotIntake(copy)
    for (let goesOn = true, i = 0; goesOn; i++) {
      const out = new JuteWriter()
      goesOn = stream.write(out, 200)
      intake.take(out.bytes, 0, out.position)
      zxid++
      const data = encodeUtf8('changed')
      tree.setData(rows[49]!, data, 0, data.length, 1, zxid as Zxid, 5)
      insert(`later${i}`)
    }
    expect(intake.isWhole).toBe(true)
    expect(stream.zxid).toBe(1)
    expect(copy.sessions).toEqual([[5n, 30]])
    expect(stream.write(new JuteWriter(), 100)).toBe(false)
  })

  it('carries access lists before the nodes that name them', () => {
    const tree = new NaiveTree({ extendedTypes: true, emulate353Ttl: false })
    const list = [{ perms: 5, id: { scheme: 'ip', id: '10.0.0.1' } }]
    const aclId = tree.acls.internList(list)
    const name = encodeUtf8('n')
    tree.insert(0, name, 0, 1, name, -1, -1, aclId, 0, 0, 1 as Zxid, 5)
    const copy = taken(streamOf({ tree, sessions: () => [], lastZxid: () => 1 as Zxid }))
    expect(copy.acls).toContainEqual([aclId, list])
  })
})
