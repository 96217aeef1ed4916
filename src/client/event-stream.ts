// A queue that one consumer reads with `for await`. It ends in order: what was put in before the
// end is still read. Ending the loop early, in whatever way, calls `closed`.

export class EventStream<T> implements AsyncIterableIterator<T> {
  readonly #items: T[] = []
  readonly #readers: Reader<T>[] = []
  readonly #closed: () => void
  #end: { readonly error: Error | null } | null = null

  constructor(closed: () => void) {
    this.#closed = closed
  }

  /** What has been put in and not been read. */
  get length(): number {
    return this.#items.length
  }

  get isEnded(): boolean {
    return this.#end !== null
  }

  /** The item that was put in last, if nobody has read it yet. */
  last(): T | undefined {
    return this.#items.at(-1)
  }

  replaceLast(item: T): void {
    this.#items[this.#items.length - 1] = item
  }

  push(item: T): void {
    if (this.#end !== null) return
    const reader = this.#readers.shift()
    if (reader === undefined) this.#items.push(item)
    else reader.resolve({ done: false, value: item })
  }

  /** No more will come; with an error the reader gets that after what is left. */
  end(error: Error | null = null): void {
    if (this.#end !== null) return
    this.#end = { error }
    for (const reader of this.#readers.splice(0)) {
      if (error === null) reader.resolve({ done: true, value: undefined })
      else reader.reject(error)
    }
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (this.#items.length > 0) {
      return Promise.resolve({ done: false, value: this.#items.shift() as T })
    }
    if (this.#end === null) {
      return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }))
    }
    const { error } = this.#end
    this.#end = { error: null }
    return error === null ? Promise.resolve(DONE) : Promise.reject(error)
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.#items.length = 0
    this.end()
    this.#closed()
    return Promise.resolve(DONE)
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return this
  }
}

interface Reader<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void
  readonly reject: (error: Error) => void
}

const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined }
