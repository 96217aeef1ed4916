import { describe, expect, it } from 'vitest'

import type { Zxid } from '../../base/zxid.ts'
import { DEFAULT_PIPELINE_SETTINGS } from '../pipeline/settings.ts'
import { membershipOf } from '../quorum/membership-text.ts'
import { Database } from '../tree/database.ts'
import { NaiveTree } from '../tree/naive-tree.ts'
import { foundMembership, isProposed } from './found-membership.ts'

const at = (version: number): string =>
  `server.1=a:1:2:participant\nserver.2=b:1:2:participant\nversion=${version.toString(16)}`

function databaseWith(text: string): Database {
  const database = new Database(new NaiveTree(DEFAULT_PIPELINE_SETTINGS), DEFAULT_PIPELINE_SETTINGS)
  database.showConfig(text, 9 as Zxid, 0)
  return database
}

describe('the membership that a history ends with', () => {
  it('is proposed where the files know of an older one only', () => {
    const found = foundMembership(databaseWith(at(9)))!
    expect(found.version).toBe(9)
    expect(isProposed(found, membershipOf(at(5)), null)).toBe(true)
    expect(isProposed(found, membershipOf(at(5)), membershipOf(at(7)))).toBe(true)
  })

  it('is no news where the files know of it, or of a newer one', () => {
    const found = foundMembership(databaseWith(at(9)))!
    expect(isProposed(found, membershipOf(at(9)), null)).toBe(false)
    expect(isProposed(found, membershipOf(at(5)), membershipOf(at(11)))).toBe(false)
  })

  it('does not count against a configuration that somebody has written by hand', () => {
    const found = foundMembership(databaseWith(at(9)))!
    expect(isProposed(found, membershipOf(at(0)), null)).toBe(false)
  })

  it('is none where there is nothing, or nonsense', () => {
    for (const text of ['', 'nonsense']) expect(foundMembership(databaseWith(text))).toBeNull()
  })
})
