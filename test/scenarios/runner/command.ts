// What a scenario can do besides sending requests: open and drop connections, move the clock, let
// the disk finish, look inside the server.

import type { World } from './world.ts'
import type { Arguments } from './words.ts'

export interface Command {
  readonly usage: string
  run(world: World, args: Arguments): void | Promise<void>
}

/** A command that begins with the name of a client: `A raw 00000000`. */
export interface ClientCommand {
  readonly usage: string
  readonly of: 'client'
  run(world: World, client: string, args: Arguments): void
}

export const isOfClient = (command: Command | ClientCommand): command is ClientCommand =>
  'of' in command
