// Apache's command line, `zkCli.sh`, piped and one command at a time: what it prints against Zabra
// must be what it prints against Apache's own server.

import { describe, expect, test } from 'vitest'
import { startApache } from './peers/apache-server.ts'
import { absence } from './peers/cache.ts'
import { type Start, withRestarts } from './peers/with-restarts.ts'
import { startZabra } from './peers/zabra-server.ts'
import { zkCli } from './peers/zk-cli.ts'

const noJava = absence('java')
const noZabra = absence('java', 'zabra')

const session = `
ls /
create /a hello
create -s /a/seq- one
create -e /a/ephemeral two
create -c /a/container
create -t 3600000 /a/ttl three
create -s -e /a/both- four
create -s -t 5000 /a/seq-ttl five
create /a
create /none/x y
ls -R /
ls -s /a
ls /none
ls -w /a
get -s /a
get /a
get /none
set /a changed
set -s -v 1 /a again
set -v 9 /a never
stat /a
stat -w /a/ttl
stat /none
getAcl -s /a
setAcl -s /a world:anyone:cdrwa
setAcl /a digest:wrong:cdrwa
addauth digest alice:secret
whoami
create /mine data auth::cdrwa
getAcl /mine
setAcl -R /mine auth::r
set /mine no
delete /a/ttl
delete -v 5 /a/container
create /d
create /d/e
create /d/e/f
delete /d
deleteall /d
sync /a
getEphemerals
getEphemerals /a/b
getAllChildrenNumber /
setquota -n 5 /a
setquota -b 100 /a
setquota -N 6 /a
setquota -B 50 /a
listquota /a
create /a/q1 1
create /a/q2 2
create /a/q3 3
set /a way-too-long-for-this-quota-way-too-long-for-this-quota
delquota -N /a
listquota /a
delquota /a
listquota /a
addWatch -m PERSISTENT /a
set /a watched
removewatches /a
config
reconfig -add 2=localhost:1:2;3
close
ls /
quit
`

const singleCommands: readonly (readonly string[])[] = [
  ['create', '/single', 'x'],
  ['get', '-s', '/single'],
  ['set', '/single', 'y'],
  ['ls', '-R', '/a'],
  ['delete', '/single'],
  ['get', '/single'],
]

describe('Apache’s command line', () => {
  test.skipIf(noJava !== null)(`works on Apache’s server ${noJava ?? ''}`, async () => {
    const { piped, single } = await conversation(startApache)
    expect(piped.output).toContain('[zookeeper]')
    expect(piped.errors).toContain('Created /a/seq-0000000000')
    expect(piped.errors).toContain('Quota has exceeded : /a')
    expect(single.map(({ status }) => status)).toEqual([0, 0, 0, 0, 0, 1])
  })

  test.skipIf(noZabra !== null)(`says the same about Zabra ${noZabra ?? ''}`, async () => {
    const [apache, zabra] = [await conversation(startApache), await conversation(startZabra)]
    expect(zabra).toEqual(apache)
  })
})

interface Said {
  readonly status: number | null
  readonly output: readonly string[]
  readonly errors: readonly string[]
  /** Events are printed by another thread than results, at no particular place. */
  readonly events: readonly string[]
}

function conversation(start: Start): Promise<{ piped: Said; single: Said[] }> {
  const settings = { enforceQuota: true }
  return withRestarts(start, { settings }, async (address) => {
    const piped = await said(address, [], session)
    const single: Said[] = []
    for (const command of singleCommands) single.push(await said(address, command, ''))
    return { piped, single }
  })
}

async function said(address: string, command: readonly string[], input: string): Promise<Said> {
  const { status, output, errors } = await zkCli(address, command, input)
  const events = [...output.matchAll(eventBlock)].map((match) => match[1] ?? '').sort()
  const rest = output.replaceAll(eventBlock, '')
  return { status, output: masked(rest), errors: masked(errors), events }
}

const eventBlock = /\nWATCHER::\n\n(WatchedEvent .*)\n/g

/** Hides dates and the address and sorts sets (of paths, of identities); the rest stays as it is. */
function masked(text: string): string[] {
  return text
    .replaceAll(/time = .*/g, 'time = (a date)')
    .replaceAll(/127\.0\.0\.1:\d+/g, '(address)')
    .replaceAll(/^(?:(?:digest|ip): .*\n){2,}/gm, (ids) => ids.split('\n').sort().join('\n'))
    .replaceAll(/^\[(\/.*)\]$/gm, (_, paths: string) => `[${paths.split(', ').sort().join(', ')}]`)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
}
