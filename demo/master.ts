/**
 * One of the masters in the founding scene (`main.ts`), a process of its own. It stands for
 * election, and while it leads it writes into the journal, ten times a second, in transactions that
 * the server refuses unless its place in the election still exists.
 *
 * It is careless on purpose: before it writes it looks neither at the clock nor at the signal that
 * its leadership is over. A process that was suspended cannot know that time has passed. The guard
 * is what keeps it from doing harm.
 *
 *   tsx demo/master.ts NAME HOST:PORT
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, isZkError } from '../src/client/index.ts'
import { LeaderElection, LeadershipLostError, type Leading } from '../src/recipes/index.ts'
import { JOURNAL, MASTERS, MASTER_PREFIX, OFFICE_SESSION_MS, type News, TICK_MS } from './scene.ts'

const WRITE_EVERY_MS = 100
/** A gap between two writes from which a process must have been standing still. */
const GAP_MS = 1_000

const [name = '', target = ''] = process.argv.slice(2)

// Two sessions: a short one that holds the place in the election, and a long one that does the
// work. The long one outlives a suspension, so the first thing after it is a write that gets there.
const office = await connect(target, { sessionTimeout: OFFICE_SESSION_MS, tickTime: TICK_MS })
const hands = await connect(target, { sessionTimeout: 60_000, tickTime: TICK_MS })

const election = new LeaderElection(office, MASTERS, { id: name, namePrefix: MASTER_PREFIX })
await election.run(lead, { autoRequeue: true })

/** Works until the server refuses to let it. Only when this is over may it stand for election again. */
async function lead(leading: Leading): Promise<void> {
  const { token, path } = leading
  tell({ what: 'leads', token, path })
  for (let last = Date.now(); ; last = Date.now()) {
    await sleep(WRITE_EVERY_MS)
    const gapMs = Date.now() - last
    if (gapMs > GAP_MS) tell({ what: 'continues', token, gapMs })
    try {
      await leading
        .guard(hands.transaction())
        .create(`${JOURNAL}/entry-`, JSON.stringify({ by: name, token }), { sequential: true })
        .commit()
    } catch (error) {
      if (isZkError(error, 'ZK_CONNECTION_LOSS')) {
        // Whether it was written or not, an entry more does no harm: the next one is due.
        tell({ what: 'unsure', token })
        continue
      }
      if (!(error instanceof LeadershipLostError)) throw error
      tell({ what: 'refused', token, reason: error.message })
      tell({ what: 'steps down', token })
      return
    }
  }
}

function tell(news: News): void {
  process.stdout.write(`${JSON.stringify(news)}\n`)
}
