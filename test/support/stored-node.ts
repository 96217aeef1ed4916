// A node as a snapshot has it, for tests that load one.

import { JuteReader } from '../../src/core/jute/reader.ts'
import { JuteWriter } from '../../src/core/jute/writer.ts'
import { type StatPersisted, statPersisted } from '../../src/core/records/stat.ts'
import type { DataTree, Row } from '../../src/core/tree/data-tree.ts'

export function storedNode(
  path: string,
  data: Uint8Array | null,
  aclId: number,
  stat: StatPersisted,
): Uint8Array {
  const out = new JuteWriter(256)
  out.ustring(path)
  out.buffer(data)
  out.safeLong(aclId)
  statPersisted.write(out, stat)
  return out.copy()
}

export function loadStored(tree: DataTree, stored: Uint8Array): Row {
  const reader = new JuteReader(stored)
  const pathLength = reader.skipField()
  const pathEnd = reader.position
  const dataLength = reader.skipField()
  const dataEnd = reader.position
  const dataStart = dataLength < 0 ? -1 : dataEnd - dataLength
  const aclId = reader.safeLong()
  const statStart = reader.position
  return tree.load(stored, pathEnd - pathLength, pathEnd, dataStart, dataEnd, aclId, statStart)
}
