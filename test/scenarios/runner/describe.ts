// How values of the protocol are written in a transcript, and, for what a command may contain,
// read from it. Everything is shown, in few characters: a stat is
//
//   [c=2 m=3 p=2 t=100000/100500 v=1.0.0 len=5 kids=0 owner=A]
//
// czxid, mzxid, pzxid, ctime/mtime (once where they are equal), the versions of data, children and
// access list, length of the data, number of children, and the owner of an ephemeral.

import { decodeUtf8, encodeUtf8, toHex } from '../../../src/base/text.ts'
import { formatSessionId } from '../../../src/base/session-id.ts'
import type { JuteReader } from '../../../src/core/jute/reader.ts'
import type { Acl } from '../../../src/core/records/acl.ts'
import { aclList, Perms } from '../../../src/core/records/acl.ts'
import { type Stat, stat } from '../../../src/core/records/stat.ts'
import { type Arguments, toInteger } from './words.ts'

/** Sessions by the name of the client that began them. */
export type SessionNames = ReadonlyMap<bigint, string>

export const describeSession = (id: bigint, names: SessionNames): string =>
  names.get(id) ?? formatSessionId(id)

export function describeStat(reader: JuteReader, names: SessionNames): string {
  const it: Stat = stat.read(reader)
  const times = it.ctime === it.mtime ? `${it.ctime}` : `${it.ctime}/${it.mtime}`
  const owner =
    it.ephemeralOwner === 0n ? '' : ` owner=${describeSession(it.ephemeralOwner, names)}`
  return (
    `[c=${it.czxid} m=${it.mzxid} p=${it.pzxid} t=${times} v=${it.version}.${it.cversion}.` +
    `${it.aversion} len=${it.dataLength} kids=${it.numChildren}${owner}]`
  )
}

/** A text as it can be written in a command: bare where that is clear. */
export function describeText(text: string | null): string {
  if (text === null) return 'null'
  return /^[!-:<-~]+$/.test(text) && !/["=]/.test(text) && text !== 'null'
    ? text
    : escapeControls(JSON.stringify(text))
}

export function describeData(data: Uint8Array | null): string {
  if (data === null) return 'null'
  const text = decodeUtf8(data)
  const isText = !text.includes('\ufffd') && toHex(encodeUtf8(text)) === toHex(data)
  if (!isText) return `hex:${toHex(data)}`
  return data.length > LONG_DATA ? `${data.length} bytes` : escapeControls(JSON.stringify(text))
}

/** `data=TEXT`, `data=null`, `hex=00ff`, or `bytes=N` for N characters; `otherwise` without any. */
export function takeData(args: Arguments, otherwise: Uint8Array | null): Uint8Array | null {
  const text = args.named('data')
  const hex = args.named('hex')
  const count = args.named('bytes')
  if (typeof hex === 'string') return parseHex(hex)
  if (typeof count === 'string') return new Uint8Array(toInteger(count, 'bytes=')).fill(0x78)
  if (text === undefined) return otherwise
  return text === null ? null : encodeUtf8(text)
}

export function parseHex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(text)) throw new Error(`not hexadecimal: ${text}`)
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
}

export function describeAcl(reader: JuteReader): string {
  const list = aclList.read(reader)
  if (list === null) return 'acl=null'
  if (list.length === 0) return 'acl=none'
  return list.map((entry) => `acl=${describeAclEntry(entry)}`).join(' ')
}

/**
 * `acl=SCHEME:ID:PERMS`, once for each entry; `acl=none` is an empty list, `acl=null` none at all,
 * `~` a scheme or id that is null. Permissions are letters of `rwcda` or a number.
 */
export function takeAcl(args: Arguments): readonly Acl[] | null {
  const texts = args.all('acl')
  if (texts.length === 0) return [{ perms: Perms.all, id: { scheme: 'world', id: 'anyone' } }]
  if (texts[0] === null) return null
  return texts[0] === 'none' ? [] : texts.map((text) => parseAclEntry(text ?? ''))
}

const LONG_DATA = 200
const LETTERS: Readonly<Record<string, number>> = {
  r: Perms.read,
  w: Perms.write,
  c: Perms.create,
  d: Perms.delete,
  a: Perms.admin,
}

function describeAclEntry({ perms, id }: Acl): string {
  let letters = ''
  let known = 0
  for (const [letter, bit] of Object.entries(LETTERS)) {
    if ((perms & bit) === 0) continue
    letters += letter
    known |= bit
  }
  const text = `${id.scheme ?? '~'}:${id.id ?? '~'}:${known === perms && perms !== 0 ? letters : perms}`
  return /^[!-~]+$/.test(text) ? text : escapeControls(JSON.stringify(text))
}

function parseAclEntry(text: string): Acl {
  const first = text.indexOf(':')
  const last = text.lastIndexOf(':')
  if (first < 0 || last === first) throw new Error(`acl=SCHEME:ID:PERMS, not ${text}`)
  const scheme = text.slice(0, first)
  const id = text.slice(first + 1, last)
  return {
    perms: parsePerms(text.slice(last + 1)),
    id: { scheme: scheme === '~' ? null : scheme, id: id === '~' ? null : id },
  }
}

function parsePerms(text: string): number {
  if (/^-?\d+$/.test(text)) return toInteger(text, 'permissions')
  let perms = 0
  for (const letter of text) {
    const bit = LETTERS[letter]
    if (bit === undefined) throw new Error(`unknown permission ${letter}`)
    perms |= bit
  }
  return perms
}

/** Controls and what an editor would not show, as escapes. */
function escapeControls(json: string): string {
  return json.replace(
    /[\u007f-\u00a0\u2028\u2029\ud800-\uf8ff\ufff0-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
