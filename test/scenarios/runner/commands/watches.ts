import type { Command } from '../command.ts'

/** How many watches the server holds, and for how many connections and paths (the data table). */
export const command: Command = {
  usage: '',
  run(world) {
    const { watches } = world.replica.replica
    const { connections, paths } = watches.summary()
    world.say(`${watches.count} watches; ${connections} connections, ${paths} paths`)
  },
}
