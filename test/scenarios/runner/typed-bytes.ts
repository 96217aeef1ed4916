// Bytes as a person writes them for what no well-behaved client sends: hexadecimal digits, or
// values of the wire by their type, `int:7 str:/a buf:null`.

import { JuteWriter } from '../../../src/core/jute/writer.ts'
import { encodeUtf8 } from '../../../src/base/text.ts'
import { parseHex } from './describe.ts'
import { type Arguments, toInteger } from './words.ts'

export function parseBytes(args: Arguments): Uint8Array {
  const out = new JuteWriter()
  while (!args.isEmpty) {
    const word = args.nextText('bytes')
    const colon = word.indexOf(':')
    if (colon < 0) {
      const bytes = parseHex(word)
      out.raw(bytes, 0, bytes.length)
    } else {
      writeValue(out, word.slice(0, colon), word.slice(colon + 1))
    }
  }
  return out.copy()
}

function writeValue(out: JuteWriter, type: string, text: string): void {
  switch (type) {
    case 'byte':
      out.byte(toInteger(text, 'byte:'))
      break
    case 'int':
      out.int(toInteger(text, 'int:'))
      break
    case 'long':
      out.long(BigInt(text))
      break
    case 'str':
      out.ustring(text === 'null' ? null : text)
      break
    case 'buf':
      out.buffer(text === 'null' ? null : encodeUtf8(text))
      break
    case 'text': {
      const bytes = encodeUtf8(text)
      out.raw(bytes, 0, bytes.length)
      break
    }
    default:
      throw new Error(`there is no type ${type}`)
  }
}
