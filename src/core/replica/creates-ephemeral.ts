// Whether a request would leave an ephemeral node behind: only a session that all servers know may
// own one (ZooKeeper 3.9 `QuorumZooKeeperServer.checkUpgradeSession`). What cannot be read is for
// those to refuse who make a transaction of it.

import { type JuteReader, MalformedRecord } from '../jute/reader.ts'
import { multiHeader } from '../records/multi.ts'
import { OpCode, isCreateMode, isEphemeral } from '../records/opcodes.ts'
import {
  checkVersionRequest,
  createRequest,
  createTtlRequest,
  deleteRequest,
  setAclRequest,
  setDataRequest,
} from '../records/requests.ts'

/** Leaves the reader where it was. */
export function createsEphemeral(op: number, reader: JuteReader): boolean {
  if (op !== OpCode.create && op !== OpCode.create2 && op !== OpCode.multi) return false
  const { position } = reader
  try {
    return op === OpCode.multi ? anyInMulti(reader) : isEphemeralMode(createRequest.read(reader))
  } catch (problem) {
    if (!(problem instanceof MalformedRecord)) throw problem
    return false
  } finally {
    reader.position = position
  }
}

function anyInMulti(reader: JuteReader): boolean {
  for (let header = multiHeader.read(reader); !header.done; header = multiHeader.read(reader)) {
    switch (header.type) {
      case OpCode.create:
      case OpCode.create2:
      case OpCode.createContainer:
        if (isEphemeralMode(createRequest.read(reader))) return true
        break
      // Within a multi it is what its flags say.
      case OpCode.createTTL:
        if (isEphemeralMode(createTtlRequest.read(reader))) return true
        break
      case OpCode.delete:
        deleteRequest.read(reader)
        break
      case OpCode.setData:
        setDataRequest.read(reader)
        break
      case OpCode.setACL:
        setAclRequest.read(reader)
        break
      case OpCode.check:
        checkVersionRequest.read(reader)
        break
      default:
        return false
    }
  }
  return false
}

const isEphemeralMode = ({ flags }: { readonly flags: number }): boolean =>
  isCreateMode(flags) && isEphemeral(flags)
