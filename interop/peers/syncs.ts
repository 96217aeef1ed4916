/** How a leader has brought its learners up to date, read from what it logs, whoever wrote it. */
import { eventually, type Member } from './ensemble.ts'

export type SyncKind = 'diff' | 'trunc' | 'snap'

const patienceMs = 10_000

/** Waits until the latest times that a leader has brought this learner up to date were such. */
export async function hasSynced(
  leader: Member,
  learnerId: number,
  ...kinds: readonly SyncKind[]
): Promise<void> {
  const wanted = kinds.join()
  const found = (): string => syncsOf(leader, learnerId).slice(-kinds.length).join()
  try {
    await eventually(`${leader.name} logs it`, () => found() === wanted, patienceMs)
  } catch (cause) {
    const message = `server ${learnerId} was brought up to date by "${found()}", not "${wanted}"`
    throw new Error(message, { cause })
  }
}

/** In the order in which it happened; of this run of the leader's process. */
function syncsOf(leader: Member, learnerId: number): SyncKind[] {
  const lines = leader.output().split('\n')
  return leader.kind === 'zabra' ? saidByZabra(lines, learnerId) : saidByApache(lines, learnerId)
}

function saidByZabra(lines: readonly string[], learnerId: number): SyncKind[] {
  return lines.flatMap((line) => {
    if (!line.includes('"a learner joins"')) return []
    const { server, sync } = JSON.parse(line) as { server: number; sync: SyncKind }
    return server === learnerId ? [sync] : []
  })
}

/** `LearnerHandler` names the learner in the line before the one about a snapshot. */
function saidByApache(lines: readonly string[], learnerId: number): SyncKind[] {
  const kinds: SyncKind[] = []
  let threads = new Map<string, number>()
  for (const line of lines) {
    const thread = /\[([^\]]*)\]/.exec(line)?.[1] ?? ''
    const begun = /Synchronizing with Learner sid: (\d+)/.exec(line)
    if (begun !== null) threads = threads.set(thread, Number(begun[1]))
    if (threads.get(thread) !== learnerId) continue
    if (line.includes('Sending DIFF')) kinds.push('diff')
    else if (line.includes('Sending TRUNC')) kinds.push('trunc')
    else if (line.includes('Sending snapshot')) kinds.push('snap')
  }
  return kinds
}
