// Listening to a caller's signal without leaving the listener behind: signals may live as long as
// the process, and what they end is often over long before.

/** Runs `task` when the signal aborts, at once if it has; the result takes that back. */
export function onAbort(signal: AbortSignal | undefined, task: () => void): () => void {
  if (signal === undefined) return () => {}
  if (signal.aborted) {
    task()
    return () => {}
  }
  signal.addEventListener('abort', task, { once: true })
  return () => signal.removeEventListener('abort', task)
}
