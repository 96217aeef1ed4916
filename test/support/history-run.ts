// Carries out a history through preparation and application, as a server that stands alone does:
// what was proposed waits in a log until it is applied.

import type { SessionId } from '../../src/base/session-id.ts'
import { type Zxid, nextZxid } from '../../src/base/zxid.ts'
import { JuteReader, MalformedRecord } from '../../src/core/jute/reader.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { Applier } from '../../src/core/pipeline/apply.ts'
import { Identities } from '../../src/core/pipeline/identities.ts'
import { type Audience, Notifier } from '../../src/core/pipeline/notify.ts'
import { Preparer } from '../../src/core/pipeline/prepare.ts'
import type { PipelineSettings } from '../../src/core/pipeline/settings.ts'
import { UnusableRequest } from '../../src/core/pipeline/unusable-request.ts'
import { WriteRequest } from '../../src/core/pipeline/write-request.ts'
import { OpCode } from '../../src/core/records/opcodes.ts'
import { statPersisted } from '../../src/core/records/stat.ts'
import { type DataTree, ROOT, type Row } from '../../src/core/tree/data-tree.ts'
import type { Database } from '../../src/core/tree/database.ts'
import { WatchManager } from '../../src/core/watch/watch-manager.ts'
import { type HistoryStep, SESSIONS } from './histories.ts'

const NOBODY: Audience = {
  identitiesOf: () => new Identities([]),
  notify: () => {},
}

export class HistoryRun {
  readonly database: Database
  readonly preparer: Preparer
  /** Every transaction, applied or not. */
  readonly log: { readonly zxid: Zxid; readonly bytes: Uint8Array }[] = []
  appliedCount = 0
  readonly #applier: Applier
  readonly #closing = new Set<number>()
  #timeMs = 1_000_000
  #lastZxid: Zxid

  constructor(database: Database, settings: PipelineSettings) {
    this.database = database
    this.#lastZxid = database.lastZxid
    this.preparer = new Preparer(database, settings, 1 << 20)
    const notifier = new Notifier(database, new WatchManager(), NOBODY, settings)
    this.#applier = new Applier(database, notifier)
    for (let session = 0; session < SESSIONS; session++) this.#beginSession(session)
    this.apply(SESSIONS)
  }

  perform(step: HistoryStep): void {
    switch (step.kind) {
      case 'ask':
        this.#ask(step.session, step.op, step.body)
        break
      case 'begin-session':
        if (this.#closing.has(step.session)) this.#beginSession(step.session)
        break
      case 'remove-container': {
        const request = this.#request(0, OpCode.deleteContainer, NOTHING)
        request.sessionLow = 0
        this.#propose((out) => this.preparer.prepareContainerRemoval(step.path, request, out))
        break
      }
      case 'apply':
        this.apply(step.count)
        break
      case 'pass-time':
        this.#timeMs += step.ms
        break
    }
  }

  /** Applies up to `count` more transactions. */
  apply(count: number): void {
    const end = Math.min(this.log.length, this.appliedCount + count)
    for (; this.appliedCount < end; this.appliedCount++) {
      const { zxid, bytes } = this.log[this.appliedCount]!
      this.#applier.apply(zxid, bytes, 0, bytes.length, true)
      this.preparer.applied(zxid)
    }
  }

  #ask(session: number, op: number, body: Uint8Array): void {
    // A closed session asks nothing more; its number begins again with `begin-session`.
    if (this.#closing.has(session)) return
    if (op === OpCode.closeSession) this.#closing.add(session)
    const request = this.#request(session, op, body)
    this.#propose((out) => this.preparer.prepareRequest(request, out))
  }

  #beginSession(session: number): void {
    this.#closing.delete(session)
    const request = this.#request(session, OpCode.createSession, NOTHING)
    this.#propose((out) => this.preparer.prepareCreateSession(request, 30_000, out))
  }

  #request(session: number, op: number, body: Uint8Array): WriteRequest {
    const request = new WriteRequest()
    request.sessionLow = session + 1
    request.op = op
    request.zxid = nextZxid(this.#lastZxid)
    request.timeMs = this.#timeMs
    request.identities = new Identities([{ scheme: 'digest', id: `s${session}:h` }])
    request.bytes = body
    request.end = body.length
    return request
  }

  #propose(prepare: (out: JuteWriter) => void): void {
    const out = new JuteWriter()
    try {
      prepare(out)
    } catch (problem) {
      // What cannot be read is refused before it is a transaction.
      if (problem instanceof MalformedRecord || problem instanceof UnusableRequest) return
      throw problem
    }
    this.#lastZxid = nextZxid(this.#lastZxid)
    this.log.push({ zxid: this.#lastZxid, bytes: out.copy() })
  }
}

/** Everything that a database holds, in a form that can be compared. */
export function contentOf(database: Database): unknown {
  const { tree } = database
  const rows: Row[] = []
  const collect = (row: Row): void => {
    rows.push(row)
    tree.forEachChild(row, collect)
  }
  collect(ROOT)
  return {
    lastZxid: database.lastZxid,
    digest: [tree.digestHigh, tree.digestLow],
    nodeCount: tree.nodeCount,
    ephemerals: tree.ephemeralCount,
    sessions: [...database.sessions].sort(bySession),
    nodes: rows.map((row) => nodeOf(tree, row)),
  }
}

function nodeOf(tree: DataTree, row: Row): unknown {
  const out = new JuteWriter()
  tree.writeSnapshotNode(row, out)
  const reader = new JuteReader(out.copy())
  const path = reader.ustring()
  const data = reader.buffer()
  reader.safeLong()
  return {
    path,
    data,
    acl: tree.acls.list(tree.aclId(row)),
    stat: statPersisted.read(reader),
    children: tree.childCount(row),
  }
}

const NOTHING = new Uint8Array(0)

const bySession = (left: [SessionId, number], right: [SessionId, number]): number =>
  left[0] < right[0] ? -1 : 1
