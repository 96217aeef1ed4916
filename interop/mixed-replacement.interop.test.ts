// An ensemble of Apache's becomes one of Zabra and goes back, server by server, by the commands of
// docs/operating/migrate-from-apache.md, while clients of three kinds are at work: no acknowledged
// write, no session and no ephemeral node may be lost, and all servers agree in the end.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { connect } from '../src/client/index.ts'
import { expectAgreement } from './peers/agreement.ts'
import { absence, repositoryDirectory, zabraExecutable } from './peers/cache.ts'
import { commandOf, Ensemble, type Member } from './peers/ensemble.ts'
import { Load } from './peers/load.ts'
import { LockContender } from './peers/lock-contender.ts'
import { Procedure } from './peers/procedure.ts'

const missing = absence('java', 'kazoo', 'zabra')
const page = join(repositoryDirectory, 'docs', 'operating', 'migrate-from-apache.md')

test.skipIf(missing !== null)(
  `Apache’s servers are replaced and come back, under load ${missing ?? ''}`,
  async () => {
    await using ensemble = await Ensemble.prepare(
      [1, 2, 3].map(() => ({ kind: 'apache' })),
      // Nobody is given the whole database amid writes, so that every digest has to agree.
      { commitLogCount: 1_000_000 },
    )
    await using site = new Site(ensemble)
    await ensemble.explained(async () => {
      await Promise.all(ensemble.members.map((member) => site.run('Start Apache’s server', member)))
      await site.run('Wait until all is well', ensemble.member(1))

      await using load = await Load.begin(ensemble.address, 4)
      await using kazoo = LockContender.kazoo(ensemble.address, '/locks/kazoo')
      await using curator = LockContender.curator(ensemble.address, '/locks/curator')
      expect(await kazoo.tell('acquire')).toBe('held')
      expect(await curator.tell('acquire')).toBe('held')
      const locks = await locksHeld(ensemble)

      for (const member of await site.inOrder()) {
        await site.run('See how things are', member)
        await site.run('Stop Apache’s server', member)
        await site.run('Keep a copy', member)
        await load.advance(5)
        await site.run('Start Zabra', member)
        await site.run('Wait until all is well', member)
        await load.advance(10)
      }
      expect(await site.versions()).toEqual(['zabra', 'zabra', 'zabra'])
      expect(await site.run('Afterwards', ensemble.member(1))).toContain('all servers agree')
      expect(await locksHeld(ensemble)).toEqual(locks)

      for (const member of await site.inOrder()) {
        await site.run('Stop Zabra', member)
        await load.advance(5)
        await site.run('Start Apache’s server', member)
        await site.run('Wait for it', member)
        await load.advance(10)
      }
      expect(await site.versions()).toEqual(['apache', 'apache', 'apache'])

      expect(await load.finish()).toBeGreaterThan(200)
      expect(await locksHeld(ensemble)).toEqual(locks)
      expect(await kazoo.tell('release')).toBe('released')
      expect(await curator.tell('release')).toBe('released')
      const agreement = await expectAgreement(ensemble, { members: ensemble.members })
      expect(agreement.sharedTransactions).toBeGreaterThan(200)
      expect(site.unused).toEqual([])
    })
  },
)

/** The nodes of both locks with their owners. */
async function locksHeld(ensemble: Ensemble): Promise<readonly (readonly [string, bigint])[]> {
  await using client = await connect(ensemble.address)
  const held: [string, bigint][] = []
  for (const lock of ['/locks/kazoo', '/locks/curator']) {
    const { children } = await client.getChildren(lock, { consistency: 'linearizable' })
    expect(children).toHaveLength(1)
    const path = `${lock}/${children[0]}`
    held.push([path, (await client.exists(path))?.ephemeralOwner ?? 0n])
  }
  return held
}

/** The machines of the page: its programs, and the variables of each server. */
class Site implements AsyncDisposable {
  readonly #ensemble: Ensemble
  readonly #procedure: Procedure

  constructor(ensemble: Ensemble) {
    this.#ensemble = ensemble
    const programs = join(ensemble.directory, 'bin')
    mkdirSync(programs)
    install(join(programs, 'zkServer.sh'), zkServer())
    install(join(programs, 'zabra'), `exec '${process.execPath}' '${zabraExecutable}' "$@"`)
    this.#procedure = new Procedure({
      page,
      programs,
      settings: 'Say what is where',
      definitions: ['Learn to ask'],
    })
  }

  get unused(): string[] {
    return this.#procedure.unused
  }

  run(heading: string, member: Member): Promise<string> {
    const servers = this.#ensemble.members.map(({ port }) => `127.0.0.1:${port}`)
    return this.#procedure.run(heading, {
      servers: servers.join(' '),
      config: member.configPath,
      data: member.dataDir,
      log: member.logPath,
      pid: join(member.directory, 'zabra.pid'),
    })
  }

  /** Followers first, the leader last. */
  async inOrder(): Promise<readonly Member[]> {
    const leader = await this.#ensemble.leader(this.#ensemble.members)
    return [...this.#ensemble.members.filter((member) => member !== leader), leader]
  }

  /** Whose programs serve now. */
  async versions(): Promise<string[]> {
    const figures = await Promise.all(this.#ensemble.members.map((member) => member.figures()))
    return figures.map((one) => (/zabra/.test(one.get('version') ?? '') ? 'zabra' : 'apache'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { directory, dataDir } of this.#ensemble.members) {
      for (const path of [join(directory, 'zabra.pid'), join(dataDir, 'zookeeper_server.pid')]) {
        if (existsSync(path)) killIfThere(Number(readFileSync(path, 'utf8')))
      }
    }
  }
}

/** Only of processes that were started here and not seen to end. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

function install(path: string, text: string): void {
  writeFileSync(path, `#!/usr/bin/env bash\n${text}\n`)
  chmodSync(path, 0o755)
}

/** What the script of the distribution does for `start` and `stop`, which Maven does not bring. */
function zkServer(): string {
  const [command = '', ...args] = commandOf('apache', '$2')
  const quoted = args.map((arg) => `"${arg}"`).join(' ')
  return `
set -eu
directory=$(dirname "$2")
pid=$(sed -n 's/^dataDir=//p' "$2")/zookeeper_server.pid
case "$1" in
  start)
    nohup ${command} ${quoted} \\
      >>"$directory/server.log" 2>&1 </dev/null &
    echo $! >"$pid"
    ;;
  stop)
    kill "$(cat "$pid")"
    while kill -0 "$(cat "$pid")" 2>/dev/null; do sleep 0.1; done
    rm "$pid"
    ;;
esac`
}
