// What one server does between two roles, with nobody on its links.

import { describe, expect, it } from 'vitest'

import { type Zxid, ZXID_ZERO } from '../../base/zxid.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../pipeline/settings.ts'
import { ensembleOptions } from '../../../test/support/ensemble-options.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { Links } from './links.ts'
import { Member } from './member.ts'
import { ReadyBuilder } from './ready-builder.ts'
import { StepTime } from './step-time.ts'

const makeDatabase = (): Database =>
  new Database(new NaiveTree(DEFAULT_PIPELINE_SETTINGS), DEFAULT_PIPELINE_SETTINGS)

const MEMBERS = [1, 2, 3].map((id) => `server.${id}=10.0.0.${id}:2888:3888:participant`)
const OBSERVER = 'server.4=10.0.0.4:2888:3888:observer'

const unused = (): never => {
  throw new Error('nobody is served here')
}

class Scene {
  readonly time = new StepTime({ nowMs: 0, wallMs: 0 })
  readonly ready = new ReadyBuilder()
  readonly member: Member

  constructor(serverId: number, observerPauseMs: () => number) {
    const links = new Links(this.ready.linkCommands, this.ready.linkOutputs)
    const options = {
      ...ensembleOptions([...MEMBERS, OBSERVER], makeDatabase),
      observerPauseMs,
    }
    const maker = { lead: unused, follow: unused, readOnly: unused }
    const database = makeDatabase()
    this.member = new Member(serverId, options, database, links, this.time, this.ready, maker)
    this.member.start()
    this.member.settle()
  }

  /** Server 3 is elected. */
  elect(): void {
    this.member.elected({ leader: 3, zxid: ZXID_ZERO as Zxid, peerEpoch: 0, round: 1 })
    this.member.settle()
  }

  loseLeader(): void {
    this.member.leave('the leader is gone')
    this.member.settle()
  }

  pass(ms: number): void {
    this.time.nowMs += ms
    this.member.onWake()
    this.member.settle()
  }
}

describe('a server whose leader is gone', () => {
  it('looks for another one at once where it votes', () => {
    const scene = new Scene(1, () => 150)
    scene.elect()
    expect(scene.member.standing).toBe('following')
    scene.loseLeader()
    expect(scene.member.standing).toBe('looking')
  })

  it('waits as long as is drawn where it observes', () => {
    const scene = new Scene(4, () => 150)
    scene.elect()
    expect(scene.member.standing).toBe('observing')
    scene.loseLeader()
    expect(scene.member.standing).toBe('leaving')
    expect(scene.member.deadlineMs).toBe(150)
    scene.pass(149)
    expect(scene.member.standing).toBe('leaving')
    scene.pass(1)
    expect(scene.member.standing).toBe('looking')
  })

  it('waits for nothing where no time is drawn', () => {
    const scene = new Scene(4, () => 0)
    scene.elect()
    scene.loseLeader()
    expect(scene.member.standing).toBe('looking')
  })
})
