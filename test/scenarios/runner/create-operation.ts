// What the four kinds of create have in common: path, data, access list, mode and time to live.

import { JuteWriter } from '../../../src/core/jute/writer.ts'
import { aclList } from '../../../src/core/records/acl.ts'
import { CreateMode } from '../../../src/core/records/opcodes.ts'
import { describeText, takeAcl, takeData } from './describe.ts'
import type { Operation } from './operation.ts'
import { type Arguments, toInteger } from './words.ts'

export const CREATE_USAGE =
  'PATH [data=TEXT|hex=HEX|bytes=N] [acl=SCHEME:ID:PERMS]... [flags=NUMBER|MODE]'

export function writeCreate(args: Arguments, out: JuteWriter, usualFlags: number): void {
  out.ustring(args.next('a path'))
  out.buffer(takeData(args, new Uint8Array(0)))
  aclList.write(out, takeAcl(args))
  const flags = args.named('flags')
  out.int(flags === undefined ? usualFlags : parseFlags(flags ?? 'null'))
}

export const readPath: Operation['read'] = (reader) => describeText(reader.ustring())

function parseFlags(text: string): number {
  const modes: Readonly<Record<string, number>> = CreateMode
  return modes[text] ?? toInteger(text, 'flags=')
}
