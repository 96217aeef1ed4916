import type { Command } from '../command.ts'
import { toInteger } from '../words.ts'

/**
 * `disk manual`: from here on transactions are durable only when the script says so. `disk`: all
 * that was given to it is now, `disk 2`: two more of them. `disk prompt`: at once, as at the start.
 */
export const command: Command = {
  usage: '[manual|prompt|COUNT]',
  run(world, args) {
    const { replica } = world
    const word = args.isEmpty ? '' : args.nextText('a word')
    if (word === 'manual') replica.isDiskPrompt = false
    else if (word === 'prompt') replica.isDiskPrompt = true
    else if (word === '') replica.completeDisk(Infinity)
    else replica.completeDisk(toInteger(word, 'COUNT'))
  },
}
