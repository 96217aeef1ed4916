// What stands before the record in every frame after the handshake.

import { type Decoded, int, record, zxid } from '../jute/schema.ts'

export const REQUEST_HEADER_BYTES = 8

export const requestHeader = record({ xid: int, type: int })

export type RequestHeader = Decoded<typeof requestHeader>

export const REPLY_HEADER_BYTES = 16

export const replyHeader = record({ xid: int, zxid, err: int })

export type ReplyHeader = Decoded<typeof replyHeader>
