import type { ClientCommand } from '../command.ts'
import { frame } from '../scripted-client.ts'
import { parseBytes } from '../typed-bytes.ts'

/** Sends these bytes as a frame: their length goes before them. */
export const command: ClientCommand = {
  usage: 'HEX|int:N|long:N|byte:N|str:TEXT|buf:TEXT|text:TEXT...',
  of: 'client',
  run(world, name, args) {
    const bytes = parseBytes(args)
    world.client(name).expect(bytes)
    world.send(
      world.client(name),
      frame((out) => out.raw(bytes, 0, bytes.length)),
    )
  },
}
