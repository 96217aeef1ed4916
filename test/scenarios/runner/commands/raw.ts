import type { ClientCommand } from '../command.ts'
import { parseBytes } from '../typed-bytes.ts'

/** Sends these very bytes. */
export const command: ClientCommand = {
  usage: 'HEX|int:N|long:N|byte:N|str:TEXT|buf:TEXT|text:TEXT...',
  of: 'client',
  run(world, name, args) {
    world.send(world.client(name), parseBytes(args))
  },
}
