import { describe, expect, test } from 'vitest'

import { type Zxid, ZXID_ZERO, zxidOf } from '../../base/zxid.ts'
import { HierarchicalQuorum, JointQuorum, MajorityQuorum, type QuorumVerifier } from './quorum.ts'

const zxids = (entries: Record<number, number>): ReadonlyMap<number, Zxid> =>
  new Map(Object.entries(entries).map(([id, counter]) => [Number(id), zxidOf(1, counter)]))

describe('majority', () => {
  test.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
    [6, 4],
    [7, 4],
  ])('of %i voters any %i are enough and one less are not', (voters, needed) => {
    const ids = Array.from({ length: voters }, (_, i) => i + 1)
    const quorum = new MajorityQuorum(ids)
    for (const set of subsetsOf(ids)) {
      expect(quorum.containsQuorum(set)).toBe(set.size >= needed)
    }
  })

  test('servers that do not vote count never', () => {
    const quorum = new MajorityQuorum([1, 2, 3])
    expect(quorum.containsQuorum(new Set([1, 7, 8, 9]))).toBe(false)
    expect(quorum.highestCommitted(zxids({ 1: 5, 2: 3, 9: 8 }))).toBe(zxidOf(1, 3))
  })

  test('of nobody there is no quorum', () => {
    const quorum = new MajorityQuorum([])
    expect(quorum.containsQuorum(new Set())).toBe(false)
    expect(quorum.highestCommitted(new Map())).toBe(ZXID_ZERO)
  })

  test('a single server commits what its own disk has', () => {
    const quorum = new MajorityQuorum([1])
    expect(quorum.highestCommitted(new Map())).toBe(ZXID_ZERO)
    expect(quorum.highestCommitted(zxids({ 1: 9 }))).toBe(zxidOf(1, 9))
  })
})

describe('groups with weights', () => {
  test('three groups of three need two members in each of two groups', () => {
    const quorum = new HierarchicalQuorum(
      [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ],
      new Map(),
    )
    expect(quorum.containsQuorum(new Set([1, 2, 4, 5]))).toBe(true)
    expect(quorum.containsQuorum(new Set([1, 2, 3, 4, 7]))).toBe(false)
  })

  test('a group without weight is no group', () => {
    const weights = new Map([
      [7, 0],
      [8, 0],
    ])
    const quorum = new HierarchicalQuorum(
      [
        [1, 2, 3],
        [7, 8],
      ],
      weights,
    )
    expect(quorum.containsQuorum(new Set([1, 2]))).toBe(true)
    expect(quorum.containsQuorum(new Set([7, 8, 1]))).toBe(false)
  })

  test('a server without weight helps nobody', () => {
    const quorum = new HierarchicalQuorum([[1, 2, 3]], new Map([[3, 0]]))
    expect(quorum.containsQuorum(new Set([1, 3]))).toBe(false)
    expect(quorum.containsQuorum(new Set([1, 2]))).toBe(true)
    expect([...quorum.voters]).toEqual([1, 2, 3])
  })

  test('a heavy server decides for its group', () => {
    const quorum = new HierarchicalQuorum([[1, 2, 3]], new Map([[1, 3]]))
    expect(quorum.containsQuorum(new Set([1]))).toBe(true)
    expect(quorum.containsQuorum(new Set([2, 3]))).toBe(false)
  })

  test('a server in two groups is refused', () => {
    expect(() => new HierarchicalQuorum([[1, 2], [2]], new Map())).toThrow('two groups')
  })
})

describe('two quorums at once', () => {
  const joint = new JointQuorum(new MajorityQuorum([1, 2, 3]), new MajorityQuorum([3, 4, 5]))

  test('need both, and one server may count in either', () => {
    expect(joint.containsQuorum(new Set([1, 2, 3]))).toBe(false)
    expect(joint.containsQuorum(new Set([1, 3, 4]))).toBe(true)
    expect(joint.containsQuorum(new Set([1, 2, 4, 5]))).toBe(true)
    expect([...joint.voters]).toEqual([1, 2, 3, 4, 5])
  })

  test('have committed what both have', () => {
    for (const acked of acknowledgementsUpTo(2, [1, 2, 3, 4, 5])) {
      expect(joint.highestCommitted(acked)).toBe(
        naiveHighest((set) => joint.containsQuorum(set), acked),
      )
    }
  })
})

describe('weights', () => {
  test('are one for each voter of a majority, and as given in groups', () => {
    const majority = new MajorityQuorum([1, 2])
    const grouped = new HierarchicalQuorum([[2, 3]], new Map([[3, 0]]))
    const joint = new JointQuorum(majority, grouped)
    expect([1, 2, 3].map((id) => majority.weightOf(id))).toEqual([1, 1, 0])
    expect([1, 2, 3].map((id) => grouped.weightOf(id))).toEqual([0, 1, 0])
    expect([1, 2, 3].map((id) => joint.weightOf(id))).toEqual([1, 1, 0])
  })
})

describe('the naive twin agrees, exhaustively', () => {
  const ids = [1, 2, 3, 4, 5]
  const configurations: [name: string, real: QuorumVerifier, naive: NaiveQuorum][] = [
    ['majority of 5', new MajorityQuorum(ids), naiveMajority(ids)],
    ['majority of 4', new MajorityQuorum([1, 2, 3, 4]), naiveMajority([1, 2, 3, 4])],
  ]
  for (const groups of [
    [[1, 2, 3, 4]],
    [
      [1, 2],
      [3, 4],
    ],
    [[1, 2], [3], [4]],
  ]) {
    for (const weights of weightsUpTo(2, [1, 2, 3, 4])) {
      const name = `groups ${JSON.stringify(groups)} weights ${[...weights.values()].join()}`
      configurations.push([
        name,
        new HierarchicalQuorum(groups, weights),
        naiveHierarchical(groups, weights),
      ])
    }
  }

  test('on every set of servers', () => {
    const wrong: string[] = []
    for (const [name, real, naive] of configurations) {
      for (const set of subsetsOf(ids)) {
        if (real.containsQuorum(set) !== naive(set)) wrong.push(`${name}: ${[...set].join()}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('on two quorums always having a server in common', () => {
    const wrong: string[] = []
    for (const [name, real] of configurations) {
      const quorums = subsetsOf(ids).filter((set) => real.containsQuorum(set))
      for (const one of quorums) {
        for (const other of quorums) {
          if ([...one].some((id) => other.has(id))) continue
          wrong.push(`${name}: ${[...one].join()} and ${[...other].join()}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  test('on the highest zxid committed', () => {
    const histories = acknowledgementsUpTo(2, [1, 2, 3, 4])
    const wrong: string[] = []
    for (const [name, real, naive] of configurations) {
      for (const acked of histories) {
        if (real.highestCommitted(acked) === naiveHighest(naive, acked)) continue
        wrong.push(`${name}: ${JSON.stringify([...acked])}`)
      }
    }
    expect(wrong).toEqual([])
  })
})

type NaiveQuorum = (set: ReadonlySet<number>) => boolean

function naiveMajority(voters: readonly number[]): NaiveQuorum {
  return (set) => {
    const yes = voters.filter((id) => set.has(id)).length
    return yes > voters.length - yes
  }
}

/** Each group counts for itself, and the groups that have any weight decide among themselves. */
function naiveHierarchical(
  groups: readonly (readonly number[])[],
  weights: ReadonlyMap<number, number>,
): NaiveQuorum {
  const weigh = (ids: readonly number[]): number =>
    ids.reduce((sum, id) => sum + weights.get(id)!, 0)
  return (set) => {
    const counting = groups.filter((group) => weigh(group) > 0)
    const won = counting.filter((group) => {
      const yes = weigh(group.filter((id) => set.has(id)))
      return yes > weigh(group) - yes
    })
    return won.length > counting.length - won.length
  }
}

/** Tries every zxid that could be it, from the top. */
function naiveHighest(quorum: NaiveQuorum, acked: ReadonlyMap<number, Zxid>): Zxid {
  for (let counter = 9; counter > 0; counter--) {
    const zxid = zxidOf(1, counter)
    if (quorum(new Set([...acked].filter(([, has]) => has >= zxid).map(([id]) => id)))) return zxid
  }
  return ZXID_ZERO
}

function subsetsOf(ids: readonly number[]): Set<number>[] {
  return Array.from(
    { length: 2 ** ids.length },
    (_, bits) => new Set(ids.filter((_, i) => (bits >> i) & 1)),
  )
}

function weightsUpTo(max: number, ids: readonly number[]): Map<number, number>[] {
  return Array.from(
    { length: (max + 1) ** ids.length },
    (_, code) => new Map(ids.map((id, i) => [id, Math.floor(code / (max + 1) ** i) % (max + 1)])),
  )
}

/** Every way in which these servers can hold one of `max` zxids, or have said nothing yet. */
function acknowledgementsUpTo(max: number, ids: readonly number[]): Map<number, Zxid>[] {
  return weightsUpTo(max, ids).map(
    (held) =>
      new Map([...held].filter(([, counter]) => counter > 0).map(([id, c]) => [id, zxidOf(1, c)])),
  )
}
