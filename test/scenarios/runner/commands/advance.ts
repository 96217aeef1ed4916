import type { Command } from '../command.ts'
import { toInteger } from '../words.ts'

/** Time passes: both clocks go on, and the server wakes when it wanted to. */
export const command: Command = {
  usage: 'MS',
  run(world, args) {
    world.replica.advance(toInteger(args.nextText('milliseconds'), 'MS'))
  },
}
