// Tells the checkers what has become of a server, after each of its steps and before anybody else
// can see it: which role it has, whom it serves, how far its database is, whom it takes for the
// members. It changes nothing.

import { must } from '../../base/assert.ts'
import { mark } from '../../base/marks.ts'
import { type Zxid, epochOf, formatZxid } from '../../base/zxid.ts'
import { checkState } from '../../core/replica/invariants.ts'
import type { Member } from '../../core/replica/member.ts'
import type { Replica } from '../../core/replica/replica.ts'
import type { Service } from '../../core/replica/service.ts'
import type { Database } from '../../core/tree/database.ts'
import { Violation } from '../checkers/violation.ts'
import type { WireChecker } from '../checkers/wire-checker.ts'
import type { ExpiryChecker } from './checkers/expiry-checker.ts'
import type { Ledger } from './checkers/ledger.ts'
import type { LocalSessions } from './checkers/local-sessions.ts'
import type { MembershipChecker } from './checkers/membership-checker.ts'

export interface WatchSurroundings {
  readonly serverId: number
  readonly wire: WireChecker
  readonly locals: LocalSessions | null
  readonly ledger: Ledger
  readonly expiry: ExpiryChecker
  readonly memberships: MembershipChecker
  remark(text: string): void
}

export class ServerWatch {
  readonly #around: WatchSurroundings
  readonly #name: string
  readonly #replica: Replica
  #serving: Service | null = null
  /** Where the database stood when it was looked at last. */
  #applied: Zxid

  /** `membershipVersion` is what the server has found on its disk. */
  constructor(
    around: WatchSurroundings,
    name: string,
    replica: Replica,
    membershipVersion: number,
  ) {
    this.#around = around
    this.#name = name
    this.#replica = replica
    this.#applied = replica.database.lastZxid
    around.memberships.started(around.serverId, membershipVersion)
  }

  get isServing(): boolean {
    return this.#serving !== null && !this.#serving.writes.isReadOnly
  }

  /** All that must hold after an input. */
  endStep(): void {
    this.observe()
    checkState(this.#replica)
    if (this.#serving !== null) this.#around.wire.endTurn(this.#replica.database.lastZxid)
  }

  /** Whatever has changed by now is told. */
  observe(): void {
    const { wire, locals, ledger, expiry, memberships, serverId } = this.#around
    const { service, database } = this.#replica
    const member = this.#member
    const applied = database.lastZxid
    if (service === null) {
      if (this.#serving !== null) this.#stoppedServing(this.#serving)
      memberships.holds(serverId, member)
      this.#serving = null
      this.#applied = applied
      return
    }
    const isNew = this.#serving !== service
    this.#serving = service
    if (service.writes.isReadOnly) {
      memberships.holds(serverId, member)
      this.#observeReadOnly(service, isNew)
      return
    }
    const leading = isNew ? member.leading : null
    const decidedBefore = ledger.membership
    if (leading !== null) {
      const { epoch } = leading
      if (ledger.leaderOf(epoch) === null) ledger.began(epoch, serverId, this.#applied)
      expiry.leads(serverId)
    }
    if (isNew || applied !== this.#applied) {
      ledger.committed(applied, this.#name)
      this.#checkDigest(database)
    }
    if (leading !== null) {
      memberships.leads(serverId, leading.epoch, decidedBefore, ledger.membership)
    }
    memberships.holds(serverId, member)
    if (isNew) {
      mark(`serves: ${member.standing}`)
      this.#around.remark(`${this.#name} serves in epoch ${epochOf(applied)}`)
      wire.startServing(applied, service.servesClients)
    }
    locals?.follow(service.sessions.local)
    this.#applied = applied
  }

  /** What it has committed, and answered, in the step in which its role ended stays so. */
  #stoppedServing({ applied, writes }: Service): void {
    const { wire, ledger } = this.#around
    if (!writes.isReadOnly && applied > this.#applied) {
      mark('a role ends with a commit')
      ledger.committed(applied, this.#name)
    }
    wire.stopServing('its role is over')
  }

  /** It has no leader, and so nothing changes: what it has may be committed or not. */
  #observeReadOnly({ sessions }: Service, isNew: boolean): void {
    const { wire, locals, ledger } = this.#around
    const { database } = this.#replica
    if (isNew) {
      mark('serves: reads')
      this.#around.remark(`${this.#name} serves without a leader`)
      if (ledger.isCommitted(database.lastZxid)) this.#checkDigest(database)
      wire.startReadOnly(database.lastZxid)
    } else if (database.lastZxid !== this.#applied) {
      throw new Violation('ReadOnly', `${this.#name} goes on without a leader`)
    }
    locals?.follow(sessions.local)
    this.#applied = database.lastZxid
  }

  /** The digest tells of all nodes; of sessions it tells nothing. */
  #checkDigest({ tree, sessions, lastZxid }: Database): void {
    const high = BigInt(tree.digestHigh) << 32n
    const digest = BigInt.asIntN(64, high | BigInt(tree.digestLow >>> 0))
    const state = this.#around.ledger.stateAt(lastZxid)
    if (digest === state.digest && sessions.size === state.sessions.size) return
    throw new Violation(
      'ReplicaDigest',
      `${this.#name} has ${digest} and ${sessions.size} sessions at ${formatZxid(lastZxid)}, ` +
        `the model has ${state.digest} and ${state.sessions.size}`,
    )
  }

  get #member(): Member {
    return must(this.#replica.member, 'a server of an ensemble is a member')
  }
}
