import { describe, expect, it } from 'vitest'

import type { Zxid } from '../../base/zxid.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../pipeline/settings.ts'
import { membershipOf } from '../quorum/membership-text.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { foundMembership } from './found-membership.ts'

const at = (version: number): string =>
  `server.1=a:1:2:participant\nserver.2=b:1:2:participant\nversion=${version.toString(16)}`

function databaseWith(text: string): Database {
  const database = new Database(new NaiveTree(DEFAULT_PIPELINE_SETTINGS), DEFAULT_PIPELINE_SETTINGS)
  database.showConfig(text, 9 as Zxid, 0)
  return database
}

describe('the membership that a history ends with', () => {
  it('is found where the files know of an older one only', () => {
    const database = databaseWith(at(9))
    expect(foundMembership(database, membershipOf(at(5)), null)?.version).toBe(9)
    expect(foundMembership(database, membershipOf(at(5)), membershipOf(at(7)))?.version).toBe(9)
  })

  it('is no news where the files know of it, or of a newer one', () => {
    const database = databaseWith(at(9))
    expect(foundMembership(database, membershipOf(at(9)), null)).toBeNull()
    expect(foundMembership(database, membershipOf(at(5)), membershipOf(at(11)))).toBeNull()
  })

  it('does not count against a configuration that somebody has written by hand', () => {
    expect(foundMembership(databaseWith(at(9)), membershipOf(at(0)), null)).toBeNull()
  })

  it('is none where there is nothing, or nonsense', () => {
    for (const text of ['', 'nonsense']) {
      expect(foundMembership(databaseWith(text), membershipOf(at(5)), null)).toBeNull()
    }
  })
})
