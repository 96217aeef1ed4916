// Compares a server's database with the model, node by node, and the server's tree with itself.

import { formatZxid } from '../../base/zxid.ts'
import { JuteReader } from '../../core/jute/reader.ts'
import { JuteWriter } from '../../core/jute/writer.ts'
import { stat } from '../../core/records/stat.ts'
import { WORLD_ALL } from '../../core/records/acl.ts'
import { ACL_WORLD_ALL, NO_ROW, type DataTree, type Row } from '../../core/tree/data-tree.ts'
import type { Database } from '../../core/tree/database.ts'
import { type ModelState, statOf } from '../model/model-state.ts'
import { Violation, canonical, isSame } from './violation.ts'

/** What stands in nodes of `own` is each server's own business. */
export function checkTree(
  database: Database,
  model: ModelState,
  own: readonly string[] = [],
): void {
  const { tree } = database
  tree.verify()
  const found = new Set<string>()
  const walk = tree.walk()
  for (let row = walk.next(); row !== NO_ROW; row = walk.next()) {
    const path = tree.path(row)
    found.add(path)
    if (own.includes(path)) continue
    compare(path, nodeOf(tree, row), expectedNode(model, path))
  }
  for (const path of model.nodes.keys()) {
    if (!found.has(path)) throw wrong(`${path} is missing at ${formatZxid(model.zxid)}`)
  }
  const digest = (BigInt(tree.digestHigh) << 32n) | BigInt(tree.digestLow >>> 0)
  if (BigInt.asIntN(64, digest) !== model.digest) {
    throw wrong(`the digest is ${digest}, the model has ${model.digest}`)
  }
  const sessions = [...database.sessions].map(([id, timeoutMs]) => [String(id), timeoutMs])
  const expected = [...model.sessions].map(([id, timeoutMs]) => [String(id), timeoutMs])
  compare('the table of sessions', sessions.sort(byFirst), expected.sort(byFirst))
}

function nodeOf(tree: DataTree, row: Row): unknown {
  const writer = new JuteWriter()
  tree.writeStat(row, writer)
  const owner = (BigInt(tree.ownerHigh(row)) << 32n) | BigInt(tree.ownerLow(row) >>> 0)
  return {
    data: tree.data(row),
    acl: tree.aclId(row) === ACL_WORLD_ALL ? WORLD_ALL : tree.acls.list(tree.aclId(row)),
    stat: stat.read(new JuteReader(writer.view())),
    creations: tree.creations(row),
    owner: BigInt.asIntN(64, owner),
    children: tree.childNames(row, null, Number.MAX_SAFE_INTEGER),
  }
}

function expectedNode(model: ModelState, path: string): unknown {
  const node = model.nodes.get(path)
  if (node === undefined) return null
  const { data, acl, creations, owner } = node
  const children = [...node.children].sort(byBytes)
  return { data, acl, stat: statOf(node), creations, owner, children }
}

function compare(what: string, found: unknown, expected: unknown): void {
  if (isSame(found, expected)) return
  throw wrong(`${what} is\n  ${canonical(found)}\n  and should be\n  ${canonical(expected)}`)
}

/** Children come in the order of their UTF-8 bytes, which is that of code points. */
function byBytes(a: string, b: string): number {
  const [left, right] = [[...a], [...b]]
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

const byFirst = (a: readonly unknown[], b: readonly unknown[]): number =>
  String(a[0]) < String(b[0]) ? -1 : 1

const wrong = (what: string): Violation => new Violation('tree', what)
