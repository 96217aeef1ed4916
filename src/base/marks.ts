// Coverage marks: a rare branch names itself, and whoever collects can tell that it was reached.
// Nobody collects in production, where a mark costs one comparison.

let collected: Map<string, number> | null = null

/** To be called by a branch that matters and that few runs reach. */
export function mark(name: string): void {
  if (collected !== null) collected.set(name, (collected.get(name) ?? 0) + 1)
}

/** Counts marks while `task` runs, and returns how often each was reached. */
export function collectMarks(task: () => void): ReadonlyMap<string, number> {
  const outer = collected
  const inner = new Map<string, number>()
  collected = inner
  try {
    task()
  } finally {
    collected = outer
  }
  return inner
}
