// One call at the end of a turn of the event loop, however often it was asked for: after everything
// that had arrived was read, before the loop waits again.

export class TurnEnd {
  readonly #task: () => void
  #isAsked = false
  #isStopped = false

  constructor(task: () => void) {
    this.#task = task
  }

  want(): void {
    if (this.#isAsked || this.#isStopped) return
    this.#isAsked = true
    setImmediate(this.#run)
  }

  stop(): void {
    this.#isStopped = true
  }

  readonly #run = (): void => {
    this.#isAsked = false
    if (!this.#isStopped) this.#task()
  }
}
