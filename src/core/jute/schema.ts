// Records as data: a schema names a record's fields in wire order and gives, from that one
// statement, the TypeScript type, the reader and the writer. The few records on the hottest path
// are read by hand elsewhere; this is for all the others, and for both ends of the wire.

import type { Zxid } from '../../base/zxid.ts'
import type { JuteReader } from './reader.ts'
import type { JuteWriter } from './writer.ts'

/** How one type of value is read and written. */
export interface Codec<T> {
  read(reader: JuteReader): T
  write(writer: JuteWriter, value: T): void
}

export type Decoded<C> = C extends Codec<infer T> ? T : never

type Fields = Readonly<Record<string, Codec<unknown>>>

type RecordOf<F> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never }

export const bool: Codec<boolean> = {
  read: (reader) => reader.bool(),
  write: (writer, value) => writer.bool(value),
}

export const int: Codec<number> = {
  read: (reader) => reader.int(),
  write: (writer, value) => writer.int(value),
}

/** Any 64 bits: session ids and their like. */
export const long: Codec<bigint> = {
  read: (reader) => reader.long(),
  write: (writer, value) => writer.long(value),
}

/** 64 bits of which only the safe range of a number is meant: times, ttl. */
export const safeLong: Codec<number> = {
  read: (reader) => reader.safeLong(),
  write: (writer, value) => writer.safeLong(value),
}

export const zxid: Codec<Zxid> = {
  read: (reader) => reader.zxid(),
  write: (writer, value) => writer.safeLong(value),
}

export const ustring: Codec<string | null> = {
  read: (reader) => reader.ustring(),
  write: (writer, value) => writer.ustring(value),
}

export const buffer: Codec<Uint8Array | null> = {
  read: (reader) => reader.buffer(),
  write: (writer, value) => writer.buffer(value),
}

/** A vector; a null one (-1) is read as null and can be written as such. */
export function vector<T>(item: Codec<T>): Codec<readonly T[] | null> {
  return {
    read(reader) {
      const count = reader.vectorCount()
      if (count < 0) return null
      const items: T[] = []
      for (let i = 0; i < count; i++) items.push(item.read(reader))
      return items
    },
    write(writer, value) {
      if (value === null) {
        writer.int(-1)
        return
      }
      writer.int(value.length)
      for (const one of value) item.write(writer, one)
    },
  }
}

/** A record: its fields one after the other, in the order in which they are written here. */
export function record<const F extends Fields>(fields: F): Codec<RecordOf<F>> {
  const entries = Object.entries(fields) as [string, Codec<unknown>][]
  return {
    read(reader) {
      const value: Record<string, unknown> = {}
      for (const [name, codec] of entries) value[name] = codec.read(reader)
      return value as RecordOf<F>
    },
    write(writer, value) {
      for (const [name, codec] of entries) {
        codec.write(writer, (value as Record<string, unknown>)[name])
      }
    },
  }
}
