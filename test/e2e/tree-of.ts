// All that one server holds, as lines that can be compared with another's.

import { connect } from '../../src/client/index.ts'

/** Every node with its metadata and data, in the order of the paths, as of a moment after the call. */
export async function treeOf(target: string): Promise<readonly string[]> {
  await using zk = await connect(target, { sessionTimeout: 30_000, timeout: 30_000 })
  // A session of this one server: what it shows is its own copy, brought up to date.
  await zk.exists('/', { consistency: 'strict' })
  const lines: string[] = []
  for await (const { path } of zk.walk('/')) {
    const { data, stat } = await zk.getData(path)
    const fields = Object.entries(stat)
      .filter(([name]) => !isOfThisServer(path, name))
      .map(([name, value]) => `${name}=${value}`)
    lines.push(`${path} ${fields.join(' ')} ${new TextDecoder('latin1').decode(data)}`)
  }
  return lines.sort()
}

/** Each server fills in the configuration by itself when it takes a role, and dates it by its clock. */
const isOfThisServer = (path: string, field: string): boolean =>
  path === '/zookeeper/config' && field === 'mtime'
