// A network of its own for each server: a namespace with one address, wired to a hub in a namespace
// of its own, to which this machine is wired as well. What the servers and their clients say passes
// real interfaces, which can be cut in one direction or both, slowed down, or made to lose packets.
// Everything is gone with the namespaces. Linux only, as root.

import { spawnSync } from 'node:child_process'

/** One end of what can be cut: a server by its number from 1, or `clients`, who are on this machine. */
export type End = number | 'clients'

export class Namespaces implements Disposable {
  readonly #count: number
  readonly #name: string
  readonly #subnet: string
  readonly #canDelay: boolean

  constructor(count: number) {
    this.#count = count
    this.#name = `zb${process.pid % 10_000}`
    this.#subnet = `10.213.${process.pid % 250}`
    try {
      this.#build()
      this.#canDelay = this.#hasNetem()
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  /** What `slow` does to a link here, for people. */
  get slowness(): string {
    return this.#canDelay ? 'netem: 60±30 ms and 3% loss' : 'tbf: 500 kbit/s behind a short queue'
  }

  addressOf(end: End): string {
    return `${this.#subnet}.${end === 'clients' ? 254 : end}`
  }

  /** A command that starts what follows it in the server's namespace. */
  within(server: number): readonly string[] {
    return ['ip', 'netns', 'exec', this.#namespace(server)]
  }

  /** What `from` sends to the server is lost without a word. */
  cut(from: End, server: number): void {
    this.#filter(server, ['-s', this.addressOf(from), '-j', 'DROP'])
  }

  /** And what the server sends to the clients. */
  cutToClients(server: number): void {
    const drop = ['-d', this.addressOf('clients'), '-j', 'DROP']
    run([...this.within(server), 'iptables', '-w', '-A', 'OUTPUT', ...drop])
  }

  /** Of all that arrives at the server so many packets are lost. */
  lose(server: number, probability: number): void {
    const some = ['-m', 'statistic', '--mode', 'random', '--probability', `${probability}`]
    this.#filter(server, [...some, '-j', 'DROP'])
  }

  /** Pulls the server's plug. */
  unplug(server: number): void {
    run([...this.#inHub, 'ip', 'link', 'set', this.#port(server), 'down'])
  }

  /** What the server sends, and what it is sent, takes its time. */
  slow(server: number): void {
    const how = this.#canDelay
      ? ['netem', 'delay', '60ms', '30ms', 'loss', '3%']
      : ['tbf', 'rate', '500kbit', 'burst', '5000', 'limit', '25000']
    for (const [within, device] of this.#bothEnds(server)) {
      run([...within, 'tc', 'qdisc', 'replace', 'dev', device, 'root', ...how])
    }
  }

  /** Everything arrives again, at its usual speed. */
  heal(): void {
    for (let server = 1; server <= this.#count; server++) {
      run([...this.within(server), 'iptables', '-w', '-F'])
      run([...this.#inHub, 'ip', 'link', 'set', this.#port(server), 'up'])
      for (const [within, device] of this.#bothEnds(server)) {
        attempt([...within, 'tc', 'qdisc', 'del', 'dev', device, 'root'])
      }
    }
  }

  [Symbol.dispose](): void {
    attempt(['ip', 'link', 'del', `${this.#name}c`])
    for (let server = 1; server <= this.#count; server++) {
      attempt(['ip', 'netns', 'del', this.#namespace(server)])
    }
    attempt(['ip', 'netns', 'del', this.#hub])
  }

  #build(): void {
    run(['ip', 'netns', 'add', this.#hub])
    run([...this.#inHub, 'ip', 'link', 'add', 'hub', 'type', 'bridge'])
    run([...this.#inHub, 'ip', 'link', 'set', 'hub', 'up'])
    for (let server = 1; server <= this.#count; server++) {
      const own = this.#namespace(server)
      run(['ip', 'netns', 'add', own])
      this.#wire(this.#port(server), 'eth0', own)
      const inside = this.within(server)
      run([...inside, 'ip', 'addr', 'add', `${this.addressOf(server)}/24`, 'dev', 'eth0'])
      run([...inside, 'ip', 'link', 'set', 'eth0', 'up'])
      run([...inside, 'ip', 'link', 'set', 'lo', 'up'])
      // Here, so that a machine that lacks them says so at once.
      run([...inside, 'iptables', '-w', '-S'])
      run([...inside, 'tc', 'qdisc', 'show'])
    }
    const ours = `${this.#name}c`
    this.#wire('clients', ours, null)
    run(['ip', 'addr', 'add', `${this.addressOf('clients')}/24`, 'dev', ours])
    run(['ip', 'link', 'set', ours, 'up'])
  }

  /** A cable from a port of the hub to a device in a namespace; null for this machine's own. */
  #wire(port: string, device: string, namespace: string | null): void {
    const temporary = `${this.#name}t`
    run(['ip', 'link', 'add', temporary, 'type', 'veth', 'peer', 'name', port, 'netns', this.#hub])
    if (namespace === null) run(['ip', 'link', 'set', temporary, 'name', device])
    else run(['ip', 'link', 'set', temporary, 'netns', namespace, 'name', device])
    run([...this.#inHub, 'ip', 'link', 'set', port, 'master', 'hub', 'up'])
  }

  #filter(server: number, rule: readonly string[]): void {
    run([...this.within(server), 'iptables', '-w', '-A', 'INPUT', ...rule])
  }

  #bothEnds(server: number): readonly (readonly [readonly string[], string])[] {
    return [
      [this.within(server), 'eth0'],
      [this.#inHub, this.#port(server)],
    ]
  }

  #hasNetem(): boolean {
    const [[within, device]] = this.#bothEnds(1) as [readonly [readonly string[], string]]
    const isThere = attempt([...within, 'tc', 'qdisc', 'add', 'dev', device, 'root', 'netem'])
    if (isThere) run([...within, 'tc', 'qdisc', 'del', 'dev', device, 'root'])
    return isThere
  }

  get #hub(): string {
    return `${this.#name}-hub`
  }

  get #inHub(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#hub]
  }

  #namespace(server: number): string {
    return `${this.#name}-${server}`
  }

  #port(server: number): string {
    return `server${server}`
  }
}

/** Runs a command to its end; throws what it complained of. */
export function run(command: readonly string[]): void {
  const [program, ...args] = command
  const { status, error, stderr } = spawnSync(program as string, args, { encoding: 'utf8' })
  if (status === 0) return
  throw new Error(`${command.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

/** Whether the command could be run and did its work. */
export function attempt(command: readonly string[]): boolean {
  const [program, ...args] = command
  return spawnSync(program as string, args).status === 0
}
