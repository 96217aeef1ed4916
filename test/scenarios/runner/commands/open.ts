import type { Command } from '../command.ts'

/** Opens a connection and says nothing. */
export const command: Command = {
  usage: 'CLIENT [address=IP]',
  run(world, args) {
    const client = world.open(args.nextText('a client'), args.named('address') ?? '127.0.0.1')
    // Whatever it sends first, what comes first is the answer to a handshake.
    client.isConnecting = true
  },
}
