import type { Command } from '../command.ts'

/** The client's connection breaks. */
export const command: Command = {
  usage: 'CLIENT',
  run(world, args) {
    world.drop(world.client(args.nextText('a client')))
  },
}
