import { describe, expect, it } from 'vitest'
import { JuteReader } from '../jute/reader.ts'
import { type Acl, Perms, WORLD_ALL, WORLD_READ, aclList } from '../records/acl.ts'
import { ACL_WORLD_ALL } from './data-tree.ts'
import { RefAclTable } from './ref-acl-table.ts'

const DIGEST: readonly Acl[] = [{ perms: 31, id: { scheme: 'digest', id: 'user:hash' } }]

describe('RefAclTable', () => {
  it('gives equal lists the same number, counting from 1', () => {
    const table = new RefAclTable()
    expect(table.internList(WORLD_READ)).toBe(1)
    expect(table.internList(DIGEST)).toBe(2)
    expect(table.internList([...WORLD_READ])).toBe(1)
    expect(table.internList([...WORLD_READ, ...DIGEST])).toBe(3)
    expect(table.list(2)).toEqual(DIGEST)
  })

  it('finds a list by its bytes within a longer buffer', () => {
    const table = new RefAclTable()
    const aclId = table.internList(DIGEST)
    const bytes = table.bytes(aclId)
    const buffer = new Uint8Array(bytes.length + 9)
    buffer.set(bytes, 5)
    expect(table.intern(buffer, 5, 5 + bytes.length)).toBe(aclId)
    expect(aclList.read(new JuteReader(bytes))).toEqual(DIGEST)
  })

  it("does not keep one of Node's arrays, which the next read writes over", () => {
    const table = new RefAclTable()
    const other = new RefAclTable()
    const buffer = Buffer.from(other.bytes(other.internList(DIGEST)))
    const aclId = table.intern(buffer, 0, buffer.length)
    buffer.fill(0)
    expect(aclList.read(new JuteReader(table.bytes(aclId)))).toEqual(DIGEST)
    expect(table.internList(DIGEST)).toBe(aclId)
  })

  it('needs no entry for the list that lets anyone do everything, nor for an absent one', () => {
    const table = new RefAclTable()
    expect(table.internList(WORLD_ALL)).toBe(ACL_WORLD_ALL)
    expect(table.intern(new Uint8Array([255, 255, 255, 255]), 0, 4)).toBe(ACL_WORLD_ALL)
    expect(table.list(ACL_WORLD_ALL)).toEqual(WORLD_ALL)
    expect(aclList.read(new JuteReader(table.bytes(ACL_WORLD_ALL)))).toEqual(WORLD_ALL)
    expect([...table.entries()]).toEqual([])
  })

  it('says what everybody may do', () => {
    const table = new RefAclTable()
    const create: Acl = { perms: Perms.create, id: { scheme: 'world', id: 'anyone' } }
    expect(table.worldPerms(ACL_WORLD_ALL)).toBe(Perms.all)
    expect(table.worldPerms(table.internList(DIGEST))).toBe(0)
    expect(table.worldPerms(table.internList([...WORLD_READ, ...DIGEST, create]))).toBe(
      Perms.read | Perms.create,
    )
  })

  it('forgets a list with its last reference, and gives its number to no other', () => {
    const table = new RefAclTable()
    const aclId = table.internList(DIGEST)
    table.retain(aclId)
    table.retain(aclId)
    table.release(aclId)
    expect(table.list(aclId)).toEqual(DIGEST)
    table.release(aclId)
    expect(table.list(aclId)).toBeUndefined()
    expect(table.internList(WORLD_READ)).toBe(aclId + 1)
    expect(table.internList(DIGEST)).toBe(aclId + 2)
  })

  it('loads a table, and drops what no node uses', () => {
    const table = new RefAclTable()
    table.load(7, DIGEST)
    table.load(3, WORLD_READ)
    table.load(5, WORLD_ALL)
    table.retain(7)
    table.retain(5)
    table.dropUnused()
    expect([...table.entries()].sort()).toEqual([
      [5, WORLD_ALL],
      [7, DIGEST],
    ])
    expect(table.internList(DIGEST)).toBe(7)
    expect(table.internList(WORLD_READ)).toBe(8)
  })

  it('keeps the references of a number that is loaded anew', () => {
    const table = new RefAclTable()
    const aclId = table.internList(WORLD_READ)
    table.retain(aclId)
    table.load(aclId, DIGEST)
    expect(table.list(aclId)).toEqual(DIGEST)
    table.dropUnused()
    expect(table.list(aclId)).toEqual(DIGEST)
    table.release(aclId)
    expect(table.list(aclId)).toBeUndefined()
  })

  it('lets nobody do anything under a number that it does not know, nor gives it away', () => {
    const table = new RefAclTable()
    table.retain(12)
    expect(table.list(12)).toBeUndefined()
    expect(table.worldPerms(12)).toBe(0)
    expect(aclList.read(new JuteReader(table.bytes(12)))).toEqual([])
    expect(table.internList(DIGEST)).toBe(13)
    table.release(12)
    expect(table.list(13)).toEqual(DIGEST)
  })
})
