import type { Command } from '../command.ts'
import { describeSession } from '../describe.ts'

/** The sessions that live, and when each expires if it stays silent. */
export const command: Command = {
  usage: '',
  run(world) {
    for (const session of world.replica.replica.service!.sessions.tracker.sessions()) {
      const { id, timeoutMs, closing, deadlineMs } = session
      const end = closing ? 'closing' : `until ${deadlineMs}`
      world.say(`${describeSession(id, world.sessions)} timeout=${timeoutMs} ${end}`)
    }
  },
}
