import type { Command } from '../command.ts'
import { toInteger } from '../words.ts'

/** The wall clock, which stamps changes, is set; the clock of deadlines is not. */
export const command: Command = {
  usage: 'MS',
  run(world, args) {
    world.replica.jump(toInteger(args.nextText('milliseconds'), 'MS'))
  },
}
