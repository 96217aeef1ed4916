// Whether a history of concurrent operations on one object can be put in an order that a single copy
// of it would allow, without contradicting the times at which they began and ended: the search of
// Wing and Gong with Lowe's memory of what has been tried. An operation whose outcome is unknown may
// take effect at any time after it began, or never.

export interface Operation<Op> {
  readonly op: Op
  /** Any clock that all operations share. */
  readonly beganAt: number
  /** Infinity where nobody ever heard of its end. */
  readonly endedAt: number
}

/** The object: what it begins as, and what follows where the operation can have had its outcome. */
export interface Sequential<State, Op> {
  readonly start: State
  /** Undefined where it cannot have happened in that state. */
  step(state: State, op: Op): State | undefined
  key(state: State): string
}

export type Verdict = 'linearizable' | 'not linearizable' | 'undecided'

export function checkLinearizable<State, Op>(
  object: Sequential<State, Op>,
  operations: readonly Operation<Op>[],
  stepsMax: number = 300_000,
): Verdict {
  const head = eventsOf(operations)
  const done = new Uint8Array(operations.length)
  const tried = new Set<string>()
  const path: { readonly call: Event; readonly before: State }[] = []
  let state = object.start
  // Whatever nobody heard the end of need not have happened.
  let left = operations.filter((one) => !isEndless(one)).length
  let event = head.next
  for (let steps = 0; left > 0; steps++) {
    if (steps > stepsMax) return 'undecided'
    if (event !== null && event.isCall) {
      const operation = operations[event.index] as Operation<Op>
      const after = object.step(state, operation.op)
      // What has no effect here, and no end, may as well never happen.
      const isIdle = isEndless(operation) && object.key(state) === keyOf(object, after)
      if (after !== undefined && !isIdle) {
        done[event.index] = 1
        const key = `${String.fromCharCode(...done)}${object.key(after)}`
        if (tried.has(key)) {
          done[event.index] = 0
        } else {
          tried.add(key)
          path.push({ call: event, before: state })
          state = after
          if (!isEndless(operation)) left--
          lift(event)
          event = head.next
          continue
        }
      }
      event = event.next
      continue
    }
    // Somebody's end, or nothing more: what was put in order last was wrong.
    const last = path.pop()
    if (last === undefined) return 'not linearizable'
    state = last.before
    done[last.call.index] = 0
    if (!isEndless(operations[last.call.index] as Operation<Op>)) left++
    unlift(last.call)
    event = last.call.next
  }
  return 'linearizable'
}

const isEndless = ({ endedAt }: Operation<unknown>): boolean => endedAt === Number.POSITIVE_INFINITY

const keyOf = <State>(object: Sequential<State, never>, state: State | undefined): string | null =>
  state === undefined ? null : object.key(state)

/** The beginning or the end of an operation, in a list by time. */
interface Event {
  readonly index: number
  readonly isCall: boolean
  readonly at: number
  match: Event | null
  prev: Event | null
  next: Event | null
}

function eventsOf(operations: readonly Operation<unknown>[]): Event {
  const events: Event[] = []
  operations.forEach(({ beganAt, endedAt }, index) => {
    const call: Event = { index, isCall: true, at: beganAt, match: null, prev: null, next: null }
    const end: Event = { index, isCall: false, at: endedAt, match: null, prev: null, next: null }
    call.match = end
    events.push(call, end)
  })
  // At the same time a beginning comes first: then the two overlap, which allows more.
  events.sort((a, b) => (a.at === b.at ? Number(b.isCall) - Number(a.isCall) : a.at - b.at))
  const head: Event = { index: -1, isCall: false, at: -1, match: null, prev: null, next: null }
  let last = head
  for (const event of events) {
    last.next = event
    event.prev = last
    last = event
  }
  return head
}

function lift(call: Event): void {
  for (const event of [call, call.match as Event]) {
    event.prev!.next = event.next
    if (event.next !== null) event.next.prev = event.prev
  }
}

function unlift(call: Event): void {
  for (const event of [call.match as Event, call]) {
    event.prev!.next = event
    if (event.next !== null) event.next.prev = event
  }
}
