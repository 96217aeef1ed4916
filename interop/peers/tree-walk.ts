/** Reads a whole tree through the client protocol, as plain data that two servers can share. */
import { RawSession } from './raw-session.ts'
import { type Acl, opcode, readAcl, readStat, type Stat, WireWriter } from './wire.ts'

export interface WalkedNode {
  readonly path: string
  /** Base64; null is null data, which is not the same as none. */
  readonly data: string | null
  readonly stat: Stat
  readonly acl: readonly Acl[]
}

export const superDigest = 'super:lK75jTNcA+U9vtVEw5vB51mj/w4='
export const superPassword = 'super:secret'

/** Nodes by path. As `super` the server must have been given `superDigest`. */
export async function walkTree(
  port: number,
  as: 'super' | 'anyone' = 'super',
): Promise<Map<string, WalkedNode>> {
  const session = await RawSession.open(port)
  if (as === 'super') await session.authenticate('digest', superPassword)
  const nodes = new Map<string, WalkedNode>()
  const waiting = ['/']
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const at = new WireWriter().string(path).byte(0)
    const got = (await session.request(opcode.getData, at)).body
    const data = got.buffer()?.toString('base64') ?? null
    const stat = readStat(got)
    const listed = (await session.request(opcode.getACL, new WireWriter().string(path))).body
    const acl = readAcl(listed) ?? []
    nodes.set(path, { path, data, stat, acl })

    const children = (await session.request(opcode.getChildren, at)).body
    for (const name of (children.list(() => children.string()) ?? []).sort()) {
      waiting.push(`${path === '/' ? '' : path}/${name}`)
    }
  }
  await session.closeSession()
  return new Map([...nodes].sort(([a], [b]) => (a < b ? -1 : 1)))
}
