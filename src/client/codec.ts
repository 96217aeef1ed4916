// Turns a node's bytes into values and back. The number formats are those that Curator's counters
// use, so that both can share a node.

import { decodeUtf8, encodeUtf8 } from '../base/text.ts'
import type { Stat } from './stat.ts'

/** How values of one type are kept in a node. `decode` throws where the bytes are none. */
export interface Codec<T> {
  encode(value: T): Uint8Array
  decode(data: Uint8Array, stat: Stat): T
}

const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (data) => data }

const utf8: Codec<string> = { encode: encodeUtf8, decode: (data) => decodeUtf8(data) }

/** JSON; what is read back is trusted to be a `T`. */
function json<T>(): Codec<T> {
  return {
    encode: (value) => encodeUtf8(JSON.stringify(value)),
    decode: (data) => JSON.parse(decodeUtf8(data)) as T,
  }
}

/** Four bytes, big-endian; no data is 0. */
const int32: Codec<number> = {
  encode(value) {
    const data = new Uint8Array(4)
    new DataView(data.buffer).setInt32(0, value)
    return data
  },
  decode(data) {
    if (data.length === 0) return 0
    return view(data, 4).getInt32(0)
  },
}

/** Eight bytes, big-endian; no data is 0. */
const int64: Codec<bigint> = {
  encode(value) {
    const data = new Uint8Array(8)
    new DataView(data.buffer).setBigInt64(0, value)
    return data
  },
  decode(data) {
    if (data.length === 0) return 0n
    return view(data, 8).getBigInt64(0)
  },
}

/**
 * The codecs that come with the client.
 *
 * @example
 * const { value } = await zk.getData('/config', codec.json<Config>())
 */
export const codec: {
  readonly bytes: Codec<Uint8Array>
  readonly utf8: Codec<string>
  json<T>(): Codec<T>
  readonly int32: Codec<number>
  readonly int64: Codec<bigint>
} = { bytes, utf8, json, int32, int64 }

function view(data: Uint8Array, length: number): DataView {
  if (data.length !== length) throw new Error(`${length} bytes expected, ${data.length} found`)
  return new DataView(data.buffer, data.byteOffset, length)
}
