// What real ZooKeeper servers sent to each other on their quorum ports, packet by packet.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { goldenRoot } from './golden-data.ts'

export interface CapturedPacket {
  /** The scenario's number and name. */
  readonly scenario: string
  readonly connection: number
  readonly learner: number
  readonly leader: number
  /** Who sent it. */
  readonly side: 'learner' | 'leader'
  /** The packet's name in capitals; SNAPSHOT-STREAM is what follows SNAP. */
  readonly kind: string
  readonly bytes: Uint8Array
  /** What another decoder saw in it. */
  readonly fields: CapturedFields
}

export interface CapturedFields {
  readonly zxid?: string
  /** -1 for null. */
  readonly dataLength?: number
  readonly authinfo?: readonly { readonly scheme: string; readonly id: string }[]
  readonly LearnerInfo?: {
    readonly serverid: number
    readonly protocolVersion: string
    readonly configVersion: string
  }
  readonly currentEpoch?: number
  readonly config?: string
  readonly designatedLeader?: number
}

/** All of them in the order in which they were seen. */
export function quorumPackets(version: string): CapturedPacket[] {
  const path = join(goldenRoot, `wire-${version}`, 'quorum.jsonl')
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const { bytes, ...rest } = JSON.parse(line) as Omit<CapturedPacket, 'bytes'> & {
        readonly bytes: string
      }
      return { ...rest, bytes: fromHex(bytes) }
    })
}

/** As it stands in captures: unsigned hexadecimal. */
export const zxidText = (zxid: number): string =>
  `0x${BigInt.asUintN(64, BigInt(zxid)).toString(16)}`

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) =>
    Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16),
  )
