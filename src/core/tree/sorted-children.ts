// A run of row numbers in words, sorted by the names of the nodes: what small lists of children
// and the chunks of large ones have in common.

import { assert } from '../../base/assert.ts'
import type { Row } from './data-tree.ts'
import type { NodeNames } from './node-names.ts'

/** As many as a chunk of a large list holds, so that the block becomes its first chunk. */
export const BLOCK_CHILDREN_MAX = 512

/** The first place in `words` from `from` to `to` whose child's name follows the given one. */
export function firstAfter(
  names: NodeNames,
  words: Int32Array,
  from: number,
  to: number,
  name: Uint8Array,
  start: number,
  end: number,
): number {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    if (names.compare(words[middle]!, name, start, end) > 0) high = middle
    else low = middle + 1
  }
  return low
}

/** Puts a child among `count` others, for which there is room. */
export function insertSorted(
  names: NodeNames,
  words: Int32Array,
  first: number,
  count: number,
  child: Row,
): void {
  const last = first + count
  const name = names.bytesOf(child)
  const start = names.offsetOf(child)
  const end = start + names.byteLength(child)
  if (count === 0 || names.compare(words[last - 1]!, name, start, end) < 0) {
    words[last] = child
    return
  }
  const place = firstAfter(names, words, first, last - 1, name, start, end)
  words.copyWithin(place + 1, place, last)
  words[place] = child
}

/** Takes a child from among `count`. Looking at all is faster than comparing a few names. */
export function removeFrom(words: Int32Array, first: number, count: number, child: Row): void {
  let place = first
  const last = first + count - 1
  while (words[place] !== child) {
    assert(place < last, () => `row ${child} is in the list of children`)
    place++
  }
  words.copyWithin(place, place + 1, last + 1)
}
