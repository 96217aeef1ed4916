// What is done to servers, their disks and their network, one kind of fault at a time: how it
// begins, and how it is undone. Which of them, on whom and when, is drawn from a seed.

import type { Prng } from '../../../src/base/prng.ts'
import type { EnsembleProcesses, Member } from '../ensemble-processes.ts'
import type { FailingSync } from './failing-sync.ts'
import type { Namespaces } from './namespaces.ts'
import type { SmallDisk } from './small-disk.ts'

export interface Fault {
  /** For people, with the servers that it is about. */
  readonly name: string
  /** The name without them: whom it meets, and how. */
  readonly kind: string
  /** Whether a majority of servers is left that can talk to each other and to clients. */
  readonly leavesMajority: boolean
  begin(): void | Promise<void>
  /** Everything is as it was, servers that ended are started again. */
  end(): void | Promise<void>
  /** Whether its end waits for the victim to fail by itself, which needs all else to be well. */
  readonly awaitsFailure?: true
}

export interface Battlefield {
  readonly ensemble: EnsembleProcesses
  readonly network: Namespaces
  readonly disks: readonly SmallDisk[]
  /** Null where none can be had. */
  readonly syncs: readonly FailingSync[] | null
}

export class Nemesis {
  /** How many servers ended by themselves since they could not write. */
  readonly endings = { full: 0, failed: 0 }
  readonly #field: Battlefield
  readonly #random: Prng
  #deck: Card[] = []
  #isThrough = false

  constructor(field: Battlefield, random: Prng) {
    this.#field = field
    this.#random = random
  }

  /** Whether each kind of fault has been dealt at least once. */
  get isThrough(): boolean {
    return this.#isThrough
  }

  /** The next fault; each kind comes before any comes again. Half of them meet the leader. */
  async next(): Promise<Fault> {
    if (this.#deck.length === 0) this.#deck = this.#shuffled(this.#kinds)
    const [kind, make] = this.#deck.pop() as Card
    if (this.#deck.length === 0) this.#isThrough = true
    const leader = await this.#field.ensemble.untilLed()
    const victim = this.#random.chance(0.5)
      ? leader
      : this.#random.pick(this.#field.ensemble.members)
    const others = this.#field.ensemble.members.filter((member) => member !== victim)
    const fault = make(victim, this.#shuffled(others) as [Member, ...Member[]])
    const whom = victim === leader ? 'leader' : 'follower'
    return { ...fault, name: `${fault.name} (${leader.id} leads)`, kind: `${whom} ${kind}` }
  }

  /** Two at once; nobody knows what is left. */
  async nextTwo(): Promise<Fault> {
    const faults = [await this.next(), await this.next()]
    return {
      name: faults.map(({ name }) => name).join(' and '),
      kind: 'two at once',
      leavesMajority: false,
      begin: async () => {
        for (const fault of faults) await fault.begin()
      },
      end: async () => {
        // A server that hears of no write, or stands still, does not find its disk full.
        for (const fault of faults) if (!fault.awaitsFailure) await fault.end()
        for (const fault of faults) if (fault.awaitsFailure) await fault.end()
      },
    }
  }

  get #kinds(): readonly Card[] {
    const kinds: readonly Card[] = [
      ['killed', this.#kill],
      ['killed with all others', this.#killAll],
      ['standing still', this.#pause],
      ['unplugged', this.#unplug],
      ['and another cut off from each other', this.#cutPair],
      ['not heard by one', this.#cutOneWay],
      ['not hearing one', this.#deafToOne],
      ['deaf', this.#deaf],
      ['mute', this.#mute],
      ['and clients, one way', this.#cutClients],
      ['on a lossy network', this.#lossy],
      ['on a slow link', this.#slow],
      ['with a full disk', this.#fullDisk],
    ]
    if (this.#field.syncs === null) return kinds
    return [...kinds, ['whose syncs fail', this.#failingSync]]
  }

  readonly #kill: Kind = (victim) => ({
    name: `${nameOf(victim)} is killed`,
    leavesMajority: true,
    begin: () => victim.kill(),
    end: () => startAgain(victim),
  })

  readonly #killAll: Kind = () => ({
    name: 'all are killed',
    leavesMajority: false,
    begin: async () => {
      await Promise.all(this.#field.ensemble.members.map((member) => member.kill()))
    },
    end: () => {
      for (const member of this.#field.ensemble.members) startAgain(member)
    },
  })

  readonly #pause: Kind = (victim) => ({
    name: `${nameOf(victim)} stands still`,
    leavesMajority: true,
    begin: () => victim.pause(),
    end: () => victim.resume(),
  })

  readonly #unplug: Kind = (victim) =>
    this.#onNetwork(`${nameOf(victim)} is cut off from everybody`, (network) => {
      network.unplug(victim.id)
    })

  readonly #cutPair: Kind = (victim, [other]) =>
    this.#onNetwork(`${nameOf(victim)} and ${nameOf(other)} cannot reach each other`, (network) => {
      network.cut(victim.id, other.id)
      network.cut(other.id, victim.id)
    })

  readonly #cutOneWay: Kind = (victim, [other]) =>
    this.#onNetwork(`${nameOf(other)} does not hear ${nameOf(victim)}`, (network) => {
      network.cut(victim.id, other.id)
    })

  readonly #deafToOne: Kind = (victim, [other]) =>
    this.#onNetwork(`${nameOf(victim)} does not hear ${nameOf(other)}`, (network) => {
      network.cut(other.id, victim.id)
    })

  readonly #deaf: Kind = (victim, others) =>
    this.#onNetwork(`${nameOf(victim)} hears no server`, (network) => {
      for (const other of others) network.cut(other.id, victim.id)
    })

  readonly #mute: Kind = (victim, others) =>
    this.#onNetwork(`no server hears ${nameOf(victim)}`, (network) => {
      for (const other of others) network.cut(victim.id, other.id)
    })

  readonly #cutClients: Kind = (victim) => {
    const isDeaf = this.#random.chance(0.5)
    const name = isDeaf
      ? `${nameOf(victim)} does not hear the clients`
      : `the clients do not hear ${nameOf(victim)}`
    return this.#onNetwork(name, (network) => {
      if (isDeaf) network.cut('clients', victim.id)
      else network.cutToClients(victim.id)
    })
  }

  readonly #lossy: Kind = (victim) => {
    const percent = this.#random.between(2, 15)
    return this.#onNetwork(`${percent}% of the packets are lost everywhere`, (network) => {
      for (const member of this.#field.ensemble.members) network.lose(member.id, percent / 100)
      // And a good part of one server's.
      network.lose(victim.id, 0.1)
    })
  }

  readonly #slow: Kind = (victim) =>
    this.#onNetwork(`the link of ${nameOf(victim)} is slow`, (network) => network.slow(victim.id))

  readonly #fullDisk: Kind = (victim) => {
    const disk = this.#field.disks[victim.id - 1] as SmallDisk
    return {
      name: `the disk of ${nameOf(victim)} is full`,
      leavesMajority: true,
      awaitsFailure: true,
      begin: () => disk.fill(),
      end: async () => {
        if (await hasEnded(victim)) this.endings.full++
        disk.free()
        startAgain(victim)
      },
    }
  }

  readonly #failingSync: Kind = (victim) => {
    const syncs = this.#field.syncs?.[victim.id - 1] as FailingSync
    const bytes = this.#random.pick(['kept', 'lost'] as const)
    return {
      name: `the disk of ${nameOf(victim)} fails to sync, what it wrote is ${bytes}`,
      leavesMajority: true,
      awaitsFailure: true,
      begin: () => syncs.begin(bytes),
      end: async () => {
        if (await hasEnded(victim)) this.endings.failed++
        syncs.end()
        startAgain(victim)
      },
    }
  }

  #onNetwork(name: string, begin: (network: Namespaces) => void): Omit<Fault, 'kind'> {
    const { network } = this.#field
    return {
      name,
      leavesMajority: true,
      begin: () => begin(network),
      end: () => network.heal(),
    }
  }

  #shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items]
    const order: T[] = []
    while (rest.length > 0) order.push(...rest.splice(this.#random.below(rest.length), 1))
    return order
  }
}

type Kind = (victim: Member, others: readonly [Member, ...Member[]]) => Omit<Fault, 'kind'>

/** A kind of fault with its name, which follows that of its victim. */
type Card = readonly [string, Kind]

function startAgain(member: Member): void {
  if (!member.isRunning) member.start()
}

/** A server that cannot write may need a moment to come to it. */
async function hasEnded(member: Member): Promise<boolean> {
  const deadline = Date.now() + 15_000
  while (member.isRunning && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return !member.isRunning
}

const nameOf = (member: Member): string => `server ${member.id}`
