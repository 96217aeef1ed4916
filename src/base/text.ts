// UTF-8 in both directions. Decoding replaces malformed input by U+FFFD, as ZooKeeper does.

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export const EMPTY_BYTES: Uint8Array = new Uint8Array(0)

export const encodeUtf8 = (text: string): Uint8Array => encoder.encode(text)

/** Writes `text` at `start`; the caller made room for three bytes a UTF-16 unit. Returns the bytes written. */
export function encodeUtf8Into(text: string, into: Uint8Array, start: number): number {
  const length = text.length
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return encoder.encodeInto(text, into.subarray(start)).written
    into[start + i] = unit
  }
  return length
}

export function decodeUtf8(
  bytes: Uint8Array,
  start: number = 0,
  end: number = bytes.length,
): string {
  if (end - start <= SHORT_BYTES) {
    const text = decodeShortAscii(bytes, start, end)
    if (text !== null) return text
  }
  return decoder.decode(bytes.subarray(start, end))
}

/**
 * Up to here plain ASCII, the usual znode name, is faster without a view and a decoder; beyond it
 * the pieces would be joined lazily, and flattened at the first use as a key.
 */
const SHORT_BYTES = 12

/** Null where a byte is not ASCII. */
function decodeShortAscii(bytes: Uint8Array, start: number, end: number): string | null {
  let text = ''
  let i = start
  for (; i + 4 <= end; i += 4) {
    const a = bytes[i]!
    const b = bytes[i + 1]!
    const c = bytes[i + 2]!
    const d = bytes[i + 3]!
    if ((a | b | c | d) > 0x7f) return null
    text += String.fromCharCode(a, b, c, d)
  }
  for (; i < end; i++) {
    const byte = bytes[i]!
    if (byte > 0x7f) return null
    text += String.fromCharCode(byte)
  }
  return text
}

/**
 * A copy of a range. Not `bytes.slice`: on the arrays that Node hands out, which are a subclass,
 * that returns a view of bytes that will be written over.
 */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start)
  copy.set(bytes.subarray(start, end))
  return copy
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Orders byte strings as unsigned bytes, which for UTF-8 is the order of code points. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Lower-case hexadecimal, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}
