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

  /** Gives the children in `words` from `at` to `end`, then those of the chunks after this one. */
  constructor(
    words: Int32Array,
    at: number,
    end: number,
    list: LargeChildList | null,
    chunk: number,
  ) {
    this.#list = list
    this.#chunk = chunk
    this.#words = words
    this.#at = at
    this.#end = end
  }

  next(): Row {
    while (this.#at === this.#end) {
      const list = this.#list
      if (list === null || this.#chunk + 1 >= list.chunkCount) return NO_ROW
      this.#chunk++
      list.sort(this.#chunk)
      this.#words = list.wordsOf(this.#chunk)
      this.#at = list.offsetOf(this.#chunk) + 1
      this.#end = this.#at + list.countOf(this.#chunk)
    }
    return this.#words[this.#at++]!
  }
}
