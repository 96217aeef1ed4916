import type { Command } from '../command.ts'

/** The server dies and starts again with what was durable. Connections are gone. */
export const command: Command = {
  usage: '',
  run(world) {
    world.dropAll()
    world.replica.restart()
  },
}
