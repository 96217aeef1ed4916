import { writeConnectRequest } from '../../../../src/core/records/connect.ts'
import type { Zxid } from '../../../../src/base/zxid.ts'
import type { Command } from '../command.ts'
import { parseHex } from '../describe.ts'
import { frame } from '../scripted-client.ts'
import { toInteger } from '../words.ts'

/** Opens a connection and shakes hands: for a new session, or to go on with a client's. */
export const command: Command = {
  usage:
    'CLIENT [timeout=MS] [session=CLIENT|0xID] [password=HEX|null] [seen=ZXID] ' +
    '[readOnly=true|false|none] [address=IP]',
  run(world, args) {
    const name = args.nextText('a client')
    const of = args.named('session')
    const former = typeof of === 'string' && !of.startsWith('0x') ? world.client(of) : null
    const sessionId = former?.sessionId ?? BigInt(of ?? 0)
    const password = args.named('password')
    const readOnly = args.named('readOnly') ?? 'false'
    const client = world.open(name, args.named('address') ?? '127.0.0.1')
    client.isConnecting = true
    client.sessionId = sessionId
    const request = {
      protocolVersion: 0,
      lastZxidSeen: toInteger(args.named('seen') ?? '0', 'seen=') as Zxid,
      timeOut: args.integer('timeout', 10_000),
      sessionId,
      passwd:
        password === null
          ? null
          : password === undefined
            ? (former?.password ?? new Uint8Array(16))
            : parseHex(password),
      readOnly: readOnly === 'none' ? null : readOnly === 'true',
    }
    world.send(
      client,
      frame((out) => writeConnectRequest(out, request)),
    )
  },
}
