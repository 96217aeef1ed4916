// A place in a list of children, from which the rest are given one by one, in byte order of their
// names. It is good until a child of this parent comes or goes.

import { NO_ROW, type Row } from './data-tree.ts'
import type { LargeChildList } from './large-child-list.ts'

export class ChildCursor {
  readonly #list: LargeChildList | null
  #chunk: number
  #words: Int32Array
  #at: number
  #end: number

  /** For a large list `from` counts from the begin of the chunk, else it is a place in `words`. */
  constructor(
    list: LargeChildList | null,
    chunk: number,
    from: number,
    words: Int32Array,
    end: number,
  ) {
    this.#list = list
    this.#chunk = chunk
    this.#words = words
    this.#at = from
    this.#end = end
    if (list !== null) {
      this.#open(list)
      this.#at += from
    }
  }

  next(): Row {
    while (this.#at === this.#end) {
      const list = this.#list
      if (list === null || this.#chunk + 1 >= list.chunkCount) return NO_ROW
      this.#chunk++
      this.#open(list)
    }
    return this.#words[this.#at++]!
  }

  #open(list: LargeChildList): void {
    this.#words = list.wordsOf(this.#chunk)
    this.#at = list.offsetOf(this.#chunk)
    this.#end = this.#at + list.countOf(this.#chunk)
  }
}
