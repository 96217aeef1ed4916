// The operations within a multi or a multiRead, and their results.

import type { JuteReader } from '../../../src/core/jute/reader.ts'
import type { JuteWriter } from '../../../src/core/jute/writer.ts'
import { errorName } from '../../../src/core/records/errors.ts'
import { MULTI_END, multiHeader } from '../../../src/core/records/multi.ts'
import { OpCode, opName } from '../../../src/core/records/opcodes.ts'
import type { SessionNames } from './describe.ts'
import type { Operations } from './operation.ts'
import { Arguments, type Word } from './words.ts'

export function writeParts(
  parts: readonly (readonly Word[])[],
  out: JuteWriter,
  operations: Operations,
): void {
  for (const part of parts) {
    const verb = part[0]!.text
    const operation = operations.byVerb(verb)
    if (operation === undefined) throw new Error(`there is no operation ${verb}`)
    multiHeader.write(out, { type: operation.op, done: false, err: -1 })
    const args = new Arguments(part.slice(1))
    operation.write(args, out)
    args.done()
  }
  multiHeader.write(out, MULTI_END)
}

export function readParts(
  reader: JuteReader,
  names: SessionNames,
  operations: Operations,
): readonly string[] {
  const lines: string[] = []
  for (;;) {
    const { type, done, err } = multiHeader.read(reader)
    if (done) {
      lines.push(type === -1 && err === -1 ? 'end' : `end with type ${type}, error ${err}`)
      return lines
    }
    if (type === OpCode.error) {
      const inBody = reader.int()
      lines.push(`error ${errorName(err)}${inBody === err ? '' : ` but ${errorName(inBody)}`}`)
    } else {
      const body = operations.byCode(type)!.read(reader, names)
      lines.push(`${opName(type)}${err === 0 ? '' : ` ${errorName(err)}`} ${body}`.trimEnd())
    }
  }
}
