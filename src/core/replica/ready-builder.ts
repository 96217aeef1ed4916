// Collects what a step gives rise to, and hands it out as one Ready. The arrays are used again.

import type { LogEntry } from '../zab/log-entry.ts'
import type { ClientConnection } from './client-connection.ts'
import type { DiskTask, FourLetterWord, LinkCommand, LinkOutput, Ready, Remark } from './ready.ts'

export type { Ready }

export class ReadyBuilder implements Ready {
  readonly append: LogEntry[] = []
  readonly replies: ClientConnection[] = []
  readonly words: FourLetterWord[] = []
  readonly reading: { connection: number; reading: boolean }[] = []
  readonly linkCommands: LinkCommand[] = []
  readonly linkOutputs: (LinkOutput & { isDirty: boolean })[] = []
  readonly tasks: DiskTask[] = []
  wantsSnapshot: boolean = false
  readonly remarks: Remark[] = []
  fatal: string | null = null
  wakeAtMs: number = Infinity
  #taken = false

  /** A step begins: what was handed out before is done with. */
  begin(): void {
    if (!this.#taken) return
    this.#taken = false
    if (this.append.length > 0) this.append.length = 0
    if (this.words.length > 0) this.words.length = 0
    if (this.reading.length > 0) this.reading.length = 0
    for (const connection of this.replies) connection.isDirty = false
    this.replies.length = 0
    if (this.linkOutputs.length > 0) {
      for (const link of this.linkOutputs) link.isDirty = false
      this.linkOutputs.length = 0
    }
    if (this.linkCommands.length > 0) this.linkCommands.length = 0
    if (this.tasks.length > 0) this.tasks.length = 0
    this.wantsSnapshot = false
    if (this.remarks.length > 0) this.remarks.length = 0
  }

  /** The connection has output, or is to be closed. */
  touch(connection: ClientConnection): void {
    if (connection.isDirty) return
    connection.isDirty = true
    this.replies.push(connection)
  }

  take(wakeAtMs: number): Ready {
    this.#taken = true
    this.wakeAtMs = wakeAtMs
    return this
  }
}
