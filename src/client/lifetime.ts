// The life of a client as its users follow it: its first session, every change of state, its end.
// All of it is seen from outside, through the driver's notices; nothing here decides anything.

import type { Driver } from './driver.ts'
import { ClosedError, ConnectError, isZkError } from './errors.ts'
import { EventStream } from './event-stream.ts'
import { onAbort } from './on-abort.ts'
import { type State, type StateEvent, stateEvent } from './state.ts'
import { Deadline, isConnected, untilConnected } from './waiting.ts'

/** Connects, and waits for the session. */
export async function startWithin(
  driver: Driver,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  driver.start()
  const deadline = new Deadline(driver.platform, 'connect', timeoutMs, signal)
  try {
    await untilConnected(driver, deadline)
  } catch (error) {
    if (isZkError(error, 'ABORT_ERR')) throw error
    throw connectError(driver, error)
  }
}

/** The present state, then every change until the last one. */
export function statesOf(
  driver: Driver,
  signal: AbortSignal | undefined,
): AsyncIterableIterator<StateEvent> {
  const { state, session, server } = driver
  const stream: EventStream<StateEvent> = new EventStream(() => {
    stop()
    stopAborting()
  })
  const stop = driver.onState((change) => {
    stream.push(stateEvent(change))
    if (!isOver(change.state)) return
    stream.end()
    stopAborting()
  })
  let stopAborting = (): void => {}
  stopAborting = onAbort(signal, () => void stream.return())
  const sessionId = session?.id ?? 0n
  const reason = 'the present state'
  const isConnectedNow = isConnected(driver)
  stream.push({
    state,
    previous: state,
    reason,
    sessionId,
    newSession: false,
    server: isConnectedNow ? (server ?? null) : null,
  })
  return stream
}

/** Tells `listener` of each change, until the result is disposed of or the signal aborts. */
export function listenTo(
  driver: Driver,
  listener: (event: StateEvent) => void,
  signal: AbortSignal | undefined,
): Disposable {
  const stop = driver.onState((change) => listener(stateEvent(change)))
  const stopAborting = onAbort(signal, stop)
  return {
    [Symbol.dispose]() {
      stop()
      stopAborting()
    },
  }
}

/** Resolves at the end: with nothing when the client was closed, else with the reason. */
export function endOf(driver: Driver): Promise<ClosedError | undefined> {
  return new Promise((resolve) => {
    if (isOver(driver.state)) {
      resolve(undefined)
      return
    }
    const stop = driver.onState(({ state, reason, failure }) => {
      if (!isOver(state)) return
      stop()
      const code = 'ZK_CLOSED'
      resolve(failure === 'closed' ? undefined : new ClosedError(reason, { code }))
    })
  })
}

const isOver = (state: State): boolean => state === 'closed' || state === 'authFailed'

function connectError(driver: Driver, cause: unknown): ConnectError {
  const { attempts } = driver
  const said = attempts.slice(-5).map(({ server, reason }) => `${server}: ${reason}`)
  const why = said.length > 0 ? said.join('; ') : 'no server answered'
  return new ConnectError(`no session: ${why}`, [...attempts], cause)
}
