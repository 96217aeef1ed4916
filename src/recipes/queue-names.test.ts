import { describe, expect, it } from 'vitest'
import { type NameScheme, contendersOf, twinsOf } from './queue-names.ts'

const uuid = (digit: string): string => '8-4-4-4-12'.replace(/\d+/g, (n) => digit.repeat(Number(n)))

const curator: NameScheme = { prefix: 'lock-', mark: 'curator', alsoRespect: [], order: 'text' }
const kazoo: NameScheme = { prefix: '__lock__', mark: 'hex', alsoRespect: [], order: 'text' }
const native: NameScheme = { prefix: 'Master', mark: 'data', alsoRespect: [], order: 'serial' }

const names = (list: readonly string[], scheme: NameScheme): string[] =>
  contendersOf(list, scheme).map(({ name }) => name)

describe('contenders', () => {
  const a = `_c_${uuid('f')}-lock-0000000002`
  const b = `_c_${uuid('0')}-lock-0000000010`
  const go = `_c_${'1'.repeat(32)}-lock-0000000003`
  const python = `${'a'.repeat(32)}__lock__0000000001`

  it('stand in the order of their numbers, whoever made them', () => {
    expect(names([b, go, a], curator)).toEqual([a, go, b])
  })

  it('of another dialect are seen only where that is asked for', () => {
    expect(names([a, python], curator)).toEqual([a])
    expect(names([a, python], kazoo)).toEqual([python])
    expect(names([a, python], { ...curator, alsoRespect: ['__lock__'] })).toEqual([python, a])
  })

  it('are not what merely looks like them', () => {
    const foreign = [
      'lock-',
      'lock-12',
      'lock-00000000012',
      'leases',
      'Master',
      'xMaster000000000x',
    ]
    expect(names(foreign, curator)).toEqual([])
    expect(names(foreign, native)).toEqual([])
  })

  it('are read from the last place at which the pattern stands', () => {
    expect(names(['lock-lock-0000000001'], curator)).toEqual(['lock-lock-0000000001'])
  })

  it('keep their order when the counter of the parent wraps, in a directory of our own', () => {
    const before = 'Master2147483647'
    const after = 'Master-2147483648'
    expect(names([after, before], native)).toEqual([before, after])
    // Others sort as text, and all in one directory must agree.
    const wrapped = ['lock-2147483647', 'lock--2147483648']
    expect(names(wrapped, curator)).toEqual(['lock--2147483648', 'lock-2147483647'])
  })

  it('with the same number stand in the order of their names', () => {
    const scheme = { ...curator, alsoRespect: ['__lock__'] }
    const same = [`_c_${uuid('b')}-lock-0000000001`, `_c_${uuid('a')}-lock-0000000001`]
    expect(names(same, scheme)).toEqual([...same].sort())
  })
})

describe('twins', () => {
  it('carry the mark of a node whose answer was lost', () => {
    const own = `_c_${uuid('c')}-lock-0000000002`
    const twin = `_c_${uuid('c')}-lock-0000000001`
    const other = `_c_${uuid('d')}-lock-0000000000`
    expect(twinsOf(own, [own, twin, other], curator)).toEqual([twin])
  })

  it('are not to be told where the name carries no mark', () => {
    expect(twinsOf('Master0000000001', ['Master0000000000', 'Master0000000001'], native)).toEqual(
      [],
    )
  })
})
