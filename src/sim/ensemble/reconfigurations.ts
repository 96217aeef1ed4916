// What an operator may want of an ensemble's members: one server that joins, leaves, or has another
// role from now on, several at once, another ensemble altogether, counted by majority or in groups
// with weights; and now and then nonsense. Whether it makes sense at the time, nobody asks here.

import type { Prng } from '../../base/prng.ts'
import {
  type Grouping,
  type MemberLine,
  buildMembership,
  formatMember,
  readMembership,
  textWithoutVersion,
} from '../../core/quorum/membership-text.ts'
import type { Membership } from '../../core/quorum/membership.ts'

/** As a request has it. */
export interface WantedMembers {
  readonly joining: string | null
  readonly leaving: string | null
  readonly members: string | null
  /** The version that it is meant for; -1 for any. */
  readonly fromVersion: number
}

const NOTHING: WantedMembers = { joining: null, leaving: null, members: null, fromVersion: -1 }

/** `roster`: every server there is; `current`: who belongs to the ensemble, as far as is known. */
export function drawReconfiguration(
  random: Prng,
  roster: readonly MemberLine[],
  current: Membership,
): WantedMembers {
  const isGrouped = readMembership(current.text).grouping !== null
  if (random.chance(isGrouped ? 0.8 : 0.2)) {
    return { ...NOTHING, members: drawWhole(random, roster) }
  }
  switch (random.below(12)) {
    case 0:
    case 1:
    case 2:
      return { ...NOTHING, leaving: String(random.pick(roster).id) }
    case 3:
    case 4: {
      const [first, ...others] = shuffled(random, roster)
      const joining = others.filter(() => random.chance(0.4)).map((one) => lineOf(random, one))
      return { ...NOTHING, joining: joining.join(',') || null, leaving: String(first?.id) }
    }
    case 5: {
      const fromVersion = random.pick([current.version, current.version, current.version + 1])
      return { ...NOTHING, joining: lineOf(random, random.pick(roster)), fromVersion }
    }
    case 6:
      return drawNonsense(random, roster)
    default:
      return { ...NOTHING, joining: lineOf(random, random.pick(roster)) }
  }
}

/** Some of all servers, in roles and groups as they come. */
function drawWhole(random: Prng, roster: readonly MemberLine[]): string {
  const chosen = shuffled(random, roster).filter((_, at) => at < 2 || random.chance(0.7))
  const members = chosen.map((one, at) => ({ ...one, isVoter: at < 2 || random.chance(0.75) }))
  const voters = members.filter((one) => one.isVoter).map((one) => one.id)
  const grouping = random.chance(0.5) ? null : drawGrouping(random, voters)
  const membership = buildMembership({ version: 0, members, grouping })
  return textWithoutVersion(membership).replaceAll('\n', random.pick([',', '\n']))
}

function drawGrouping(random: Prng, voters: readonly number[]): Grouping {
  const count = Math.min(voters.length, random.pick([1, 2, 3]))
  const groups = new Map<number, number[]>()
  voters.forEach((id, at) => {
    const group = at < count ? at + 1 : 1 + random.below(count)
    groups.set(group, [...(groups.get(group) ?? []), id])
  })
  // One weighs something, so that there is a quorum at all.
  const weights = voters.map(
    (id, at) => [id, at === 0 ? 1 : random.pick([1, 1, 2, 0])] as [number, number],
  )
  return { groups, weights: new Map(weights) }
}

function drawNonsense(random: Prng, roster: readonly MemberLine[]): WantedMembers {
  const [one, other] = shuffled(random, roster)
  const line = formatMember(one as MemberLine)
  switch (random.below(4)) {
    case 0:
      return { ...NOTHING, leaving: roster.map(({ id }) => id).join(',') }
    case 1:
      // Two at one address. (Of one alone at the address of a server that has left, nobody could
      // say that it is nonsense, and the two of them would be in each other's way for ever.)
      return {
        ...NOTHING,
        joining: `${line},${line.replace(/^server\.\d+/, `server.${other?.id}`)}`,
      }
    case 2:
      return { ...NOTHING, joining: line.replace(/;.*$/, '') }
    default:
      return { ...NOTHING, members: 'server.1=nowhere' }
  }
}

const lineOf = (random: Prng, member: MemberLine): string =>
  formatMember({ ...member, isVoter: random.chance(0.75) })

function shuffled<T>(random: Prng, values: readonly T[]): T[] {
  const left = [...values]
  const order: T[] = []
  while (left.length > 0) order.push(...left.splice(random.below(left.length), 1))
  return order
}
