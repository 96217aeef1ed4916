/**
 * Random requests: every opcode a client may send, with arguments from `arbitrary.ts`, and bodies
 * spoilt on purpose. Each is tagged with what a history has to know to place it: whether it may be
 * followed by others in the same write.
 *
 * Left out on purpose, because Zabra differs by decision: deleteContainer and createSession from
 * a client (refused), and createTTL with a plain mode and a negative ttl (it ends Apache's server).
 * A setWatches with a null list does nothing in Zabra, and what stands before it in Apache's server.
 * A container with an ephemeral's flags is a container; while it is in flight Apache's server lets
 * the end of its session take it along.
 * A quota on the root is left out too: creating its limits ends the Apache server.
 * Ensembles are spared writes that cannot be read, among them a multi that is not terminated, has a
 * null list, a mode that does not exist or an operation that does not belong there: a leader of Apache's proposes the error under the zxid of
 * the transaction before it, and its followers end; or it ends itself; or, for a local session, it
 * carries out those operations of a multi that it could read.
 */
import type { Prng } from '../../src/base/prng.ts'
import { type Bytes, opcode, WireWriter } from '../peers/wire.ts'
import { anyAcl, anyCredential, anyData, anyPath, anyVersion, newPath } from './arbitrary.ts'

export interface World {
  /** Paths that existed at some time, as the servers themselves named them. */
  readonly knownPaths: readonly string[]
  readonly lastZxid: bigint
  readonly isEnsemble: boolean
}

export interface Draft {
  readonly type: number
  readonly body: Bytes
  readonly note: string
  /** Its answer may overtake others, or end the connection: it must be alone in its write. */
  readonly alone: boolean
}

type Maker = (random: Prng, world: World) => Draft

/** Draws one request of any kind. */
export function anyRequest(random: Prng, world: World): Draft {
  const made = weighted(random)(random, world)
  const mayBeSpoilt =
    !made.note.includes('zookeeper_stats') && !(world.isEnsemble && writes.has(made.type))
  return mayBeSpoilt && random.chance(0.04) ? spoilt(random, made) : made
}

const writes: ReadonlySet<number> = new Set([
  opcode.create,
  opcode.create2,
  opcode.createContainer,
  opcode.createTTL,
  opcode.delete,
  opcode.setData,
  opcode.setACL,
  opcode.multi,
  opcode.reconfig,
])

const makers: readonly (readonly [weight: number, maker: Maker])[] = [
  [16, create],
  [4, createWithOddFlags],
  [8, remove],
  [8, (random, world) => read(random, world, 'exists')],
  [8, (random, world) => read(random, world, 'getData')],
  [5, (random, world) => read(random, world, 'getChildren')],
  [5, (random, world) => read(random, world, 'getChildren2')],
  [12, setData],
  [4, (random, world) => onPath(random, world, 'getACL')],
  [3, (random, world) => onPath(random, world, 'sync')],
  [3, (random, world) => onPath(random, world, 'getAllChildrenNumber')],
  [3, (random, world) => onPath(random, world, 'getEphemerals')],
  [5, setAcl],
  [12, multi],
  [3, multiRead],
  [4, addWatch],
  [4, removeOrCheckWatches],
  [3, setWatches],
  [2, authenticate],
  [2, () => draft('whoAmI', Buffer.alloc(0), '')],
  [1, () => draft('ping', Buffer.alloc(0), '')],
  [2, quota],
  [1, reconfig],
  [0.5, sasl],
  [0.5, unknownOpcode],
]

const totalWeight = makers.reduce((sum, [weight]) => sum + weight, 0)

function weighted(random: Prng): Maker {
  let left = (random.next() / 2 ** 32) * totalWeight
  for (const [weight, maker] of makers) {
    left -= weight
    if (left < 0) return maker
  }
  return create
}

function draft(name: keyof typeof opcode, body: Bytes, note: string, alone = false): Draft {
  return { type: opcode[name], body, note: `${name} ${note}`.trim(), alone }
}

function show(value: string | null): string {
  return JSON.stringify(value)
}

/** Paths of nodes to be made: new names mostly, existing ones and odd ones sometimes. */
function pathToCreate(random: Prng, world: World): string | null {
  return random.chance(0.75) ? newPath(random, world.knownPaths) : anyPath(random, world.knownPaths)
}

function createBody(random: Prng, world: World, flags: number, path: string | null): WireWriter {
  const data = anyData(random)
  const acl = anyAcl(random) ?? (world.isEnsemble ? [] : null)
  return new WireWriter().string(path).buffer(data).acl(acl).int(flags)
}

function create(random: Prng, world: World): Draft {
  const path = pathToCreate(random, world)
  const kind = random.below(10)
  if (kind === 0) {
    return draft('createContainer', createBody(random, world, 4, path).toBytes(), show(path))
  }
  if (kind === 1) {
    const flags = random.pick([5, 6])
    const ttl = random.pick([1n, 1000n, 3_600_000n, 0xffffffffffn, 0x10000000000n, 0n, -1n])
    const body = createBody(random, world, flags, path).long(ttl).toBytes()
    return draft('createTTL', body, `${show(path)} flags=${flags} ttl=${ttl}`)
  }
  const flags = random.pick([0, 0, 0, 0, 1, 1, 2, 2, 3])
  const name = kind < 6 ? 'create' : 'create2'
  return draft(
    name,
    createBody(random, world, flags, path).toBytes(),
    `${show(path)} flags=${flags}`,
  )
}

function createWithOddFlags(random: Prng, world: World): Draft {
  const path = pathToCreate(random, world)
  const name = random.pick(['create', 'create2', 'createContainer', 'createTTL'] as const)
  const anyFlags = random.pick([0, 1, 2, 3, 4, 5, 6, 7, -1, 100])
  const flags = name === 'createContainer' && isEphemeral(anyFlags) ? 0 : anyFlags
  const body = createBody(random, world, flags, path)
  const plainMode = flags !== 5 && flags !== 6
  const ttl = plainMode ? random.pick([0n, 5n]) : random.pick([0n, 5n, -1n, -2n])
  if (name === 'createTTL') body.long(ttl)
  const note = `${show(path)} flags=${flags}${name === 'createTTL' ? ` ttl=${ttl}` : ''}`
  return draft(name, body.toBytes(), note)
}

function isEphemeral(flags: number): boolean {
  return flags === 1 || flags === 3
}

function remove(random: Prng, world: World): Draft {
  const path = anyPath(random, world.knownPaths)
  const version = anyVersion(random)
  const body = new WireWriter().string(path).int(version).toBytes()
  return draft('delete', body, `${show(path)} version=${version}`)
}

function read(
  random: Prng,
  world: World,
  name: 'exists' | 'getData' | 'getChildren' | 'getChildren2',
): Draft {
  const path = anyPath(random, world.knownPaths)
  const watch = random.pick([0, 0, 1, 1, 1, 2])
  const body = new WireWriter().string(path).byte(watch).toBytes()
  return draft(name, body, `${show(path)} watch=${watch}`)
}

function setData(random: Prng, world: World): Draft {
  const path = anyPath(random, world.knownPaths)
  const data = anyData(random)
  const version = anyVersion(random)
  const body = new WireWriter().string(path).buffer(data).int(version).toBytes()
  return draft('setData', body, `${show(path)} ${data?.length ?? 'null'} bytes version=${version}`)
}

function onPath(
  random: Prng,
  world: World,
  name: 'getACL' | 'sync' | 'getAllChildrenNumber' | 'getEphemerals',
): Draft {
  const path = anyPath(random, world.knownPaths)
  return draft(name, new WireWriter().string(path).toBytes(), show(path))
}

function setAcl(random: Prng, world: World): Draft {
  const path = anyPath(random, world.knownPaths)
  const acl = anyAcl(random)
  const version = anyVersion(random)
  const body = new WireWriter().string(path).acl(acl).int(version).toBytes()
  // While Apache's server has it in flight, requests behind it are still held to the old list.
  const note = `${show(path)} ${JSON.stringify(acl)} version=${version}`
  return draft('setACL', body, note, true)
}

function check(random: Prng, world: World): Draft {
  const path = anyPath(random, world.knownPaths)
  const version = anyVersion(random)
  const body = new WireWriter().string(path).int(version).toBytes()
  return draft('check', body, `${show(path)} version=${version}`)
}

function operations(drafts: readonly Draft[], terminated: boolean): Bytes {
  const body = new WireWriter()
  for (const { type, body: bytes } of drafts) body.int(type).byte(0).int(-1).raw(bytes)
  if (terminated) body.int(-1).byte(1).int(-1)
  return body.toBytes()
}

function notes(drafts: readonly Draft[]): string {
  return `{ ${drafts.map((part) => part.note).join('; ')} }`
}

function multi(random: Prng, world: World): Draft {
  const odd = world.isEnsemble ? create : createWithOddFlags
  const makersHere: readonly Maker[] = random.chance(0.1)
    ? [remove, setData, check, ...(world.isEnsemble ? [] : [setAcl, anyRead, addWatch])]
    : [create, create, odd, remove, setData, setData, check]
  // Within one multi later operations should meet what earlier ones made.
  const paths = [...world.knownPaths]
  const parts: Draft[] = []
  const count = random.below(6)
  for (let index = 0; index < count; index++) {
    const local = { ...world, knownPaths: paths }
    const part = random.pick(makersHere)(random, local)
    if (world.isEnsemble && part.type === opcode.createTTL) continue
    const path = /"(\/[^"]*)"/.exec(part.note)?.[1]
    if (path !== undefined) paths.push(path, path)
    parts.push(part)
  }
  const terminated = random.chance(0.98) || world.isEnsemble
  const ending = terminated ? '' : ' unterminated'
  return draft('multi', operations(parts, terminated), `${notes(parts)}${ending}`)
}

function anyRead(random: Prng, world: World): Draft {
  return read(random, world, random.pick(['getData', 'getChildren'] as const))
}

function multiRead(random: Prng, world: World): Draft {
  const count = random.below(5)
  const odd = random.chance(0.1)
  const parts = Array.from({ length: count }, () =>
    odd && random.chance(0.4) ? setData(random, world) : anyRead(random, world),
  )
  return draft('multiRead', operations(parts, true), notes(parts))
}

function addWatch(random: Prng, world: World): Draft {
  const path = anyPath(random, world.knownPaths)
  const mode = random.pick([0, 0, 1, 1, 1, 2, -1])
  const body = new WireWriter().string(path).int(mode).toBytes()
  return draft('addWatch', body, `${show(path)} mode=${mode}`)
}

function removeOrCheckWatches(random: Prng, world: World): Draft {
  const name = random.pick(['removeWatches', 'checkWatches'] as const)
  const path = anyPath(random, world.knownPaths)
  const type = random.pick([1, 2, 3, 3, 4, 5, 0, 6, -1])
  const body = new WireWriter().string(path).int(type).toBytes()
  return draft(name, body, `${show(path)} type=${type}`)
}

function setWatches(random: Prng, world: World): Draft {
  const list = (): string[] =>
    Array.from({ length: random.below(4) }, () => anyPath(random, world.knownPaths) ?? '')
  const zxid = BigInt(random.below(Number(world.lastZxid) + 2))
  const withPersistent = random.chance(0.5)
  const lists = [list(), list(), list(), ...(withPersistent ? [list(), list()] : [])]
  const body = new WireWriter().long(zxid)
  for (const paths of lists) body.strings(paths)
  const note = `zxid=${zxid} ${JSON.stringify(lists)}`
  return draft(withPersistent ? 'setWatches2' : 'setWatches', body.toBytes(), note)
}

function authenticate(random: Prng): Draft {
  const { scheme, auth } = anyCredential(random)
  const body = new WireWriter().int(0).string(scheme).buffer(auth).toBytes()
  return draft('auth', body, `${show(scheme)} ${auth?.toString() ?? 'null'}`, true)
}

const limits = [
  'count=3,bytes=-1',
  'count=-1,bytes=20',
  'count=2,bytes=10=;byteHardLimit=20;countHardLimit=3',
  'count=-1,bytes=-1=;byteHardLimit=15;countHardLimit=-1',
  'count=-1,bytes=-1=;countHardLimit=4',
  'count=5',
  'not a limit',
  '',
]

/** Creates or changes the nodes that arm quotas, step by step as the command line does. */
function quota(random: Prng): Draft {
  const base = `/zookeeper/quota${random.pick(['/a', '/b', '/c', '/a/b', '/a/a', '/d'])}`
  const limit = random.pick(limits)
  const path = random.pick([base, `${base}/zookeeper_limits`, `${base}/zookeeper_stats`])
  const data = Buffer.from(path.endsWith('zookeeper_stats') ? 'count=0,bytes=0' : limit)
  if (random.chance(0.2)) {
    const body = new WireWriter().string(path).int(-1).toBytes()
    return draft('delete', body, `${show(path)} version=-1`)
  }
  if (random.chance(0.15)) {
    return draft(
      'getData',
      new WireWriter().string(path).byte(1).toBytes(),
      `${show(path)} watch=1`,
    )
  }
  if (random.chance(0.15)) {
    const body = new WireWriter().string(path).buffer(data).int(-1).toBytes()
    return draft('setData', body, `${show(path)} ${data.toString()}`)
  }
  const open = [{ perms: 31, scheme: 'world', id: 'anyone' }]
  const writer = new WireWriter().string(path)
  const body = writer
    .buffer(path === base ? Buffer.alloc(0) : data)
    .acl(open)
    .int(0)
  return draft('create', body.toBytes(), `${show(path)} flags=0 ${data.toString()}`)
}

function reconfig(random: Prng): Draft {
  const text = (): string | null => random.pick([null, '', '2', 'x', 'server.2=127.0.0.1:1:2;3'])
  const body = new WireWriter().string(text()).string(text()).string(text()).long(-1n)
  return draft('reconfig', body.toBytes(), '')
}

function sasl(random: Prng): Draft {
  const token = random.pick([null, Buffer.alloc(0), Buffer.from('token')])
  return draft(
    'sasl',
    new WireWriter().buffer(token).toBytes(),
    show(token?.toString() ?? null),
    true,
  )
}

function unknownOpcode(random: Prng, world: World): Draft {
  const type = random.pick([0, -1, 10, 13, 23, 50, 99, 108, 1000, -2, -12, 0x7fffffff])
  const { body } = check(random, world)
  return { type, body, note: `opcode ${type}`, alone: true }
}

/** Damages a body: cut short, one byte changed, bytes replaced, or something appended. */
function spoilt(random: Prng, made: Draft): Draft {
  const body = Buffer.from(made.body)
  const way = random.below(4)
  const note = `${made.note} spoilt:`
  // A changed byte in a credential may or may not close, and a changed createTTL may become the
  // case that is left out.
  if (made.type === opcode.auth || made.type === opcode.sasl || made.type === opcode.createTTL) {
    return {
      ...made,
      body: Buffer.concat([body, Buffer.from([1, 2, 3])]),
      note: `${note} appended`,
    }
  }
  if (way === 0) {
    const length = random.below(body.length + 1)
    return { ...made, body: body.subarray(0, length), note: `${note} cut to ${length}` }
  }
  if (way === 1 && body.length > 0) {
    const at = random.below(body.length)
    body[at] = random.pick([0x00, 0xff, 0x7f, 0x80, random.below(256)])
    return { ...made, body, note: `${note} byte ${at} = ${body[at]}` }
  }
  if (way === 2) {
    const bytes = Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256)))
    return { ...made, body: bytes, note: `${note} random bytes` }
  }
  return { ...made, body: Buffer.concat([body, Buffer.from('tail')]), note: `${note} appended` }
}
