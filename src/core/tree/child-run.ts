// A run of children in words: how many of them are sorted, then their rows. The first ones are
// sorted by name; behind them are those that came since. They are sorted when somebody wants the
// order: one by one each would be compared with names that are in no cache, while together they
// share what they look at.
//
//   sorted | child | child | ...
//
// The first child is always the one whose name comes first of those that were sorted, and of all
// that were added with a name behind it: large lists search among first children.

import { assert } from '../../base/assert.ts'
import type { Row } from './data-tree.ts'
import type { NodeNames } from './node-names.ts'

/** Adds a child to `count` others, for which there is room. */
export function addToRun(
  names: NodeNames,
  words: Int32Array,
  at: number,
  count: number,
  child: Row,
): void {
  words[at + 1 + count] = child
  if (words[at] !== count) return
  if (count === 0 || names.isBefore(words[at + count]!, child)) words[at] = count + 1
}

export function removeFromRun(
  names: NodeNames,
  words: Int32Array,
  at: number,
  count: number,
  child: Row,
): void {
  const last = at + count
  if (words[last] === child) {
    if (words[at] === count) words[at] = count - 1
    return
  }
  // The next one must be first by name, which only sorting tells.
  if (words[at + 1] === child) sortRun(names, words, at, count)
  // Rows are compared, not names: there is no cache miss in a search through two kibibytes.
  const place = words[at + 1] === child ? at + 1 : words.indexOf(child, at + 1)
  assert(place > at && place <= last, () => `row ${child} is in the list of children`)
  if (place - at <= words[at]!) words[at]!--
  words.copyWithin(place, place + 1, last + 1)
}

export function sortRun(names: NodeNames, words: Int32Array, at: number, count: number): void {
  for (let sorted = words[at]!; sorted < count; sorted++) {
    const end = at + 1 + sorted
    const child = words[end]!
    if (sorted === 0 || names.isBefore(words[end - 1]!, child)) continue
    const name = names.bytesOf(child)
    const start = names.offsetOf(child)
    const nameEnd = start + names.byteLength(child)
    const place = firstAfter(names, words, at + 1, end - 1, name, start, nameEnd)
    words.copyWithin(place + 1, place, end)
    words[place] = child
  }
  words[at] = count
}

/** The first place in sorted words from `from` to `to` whose child's name follows the given one. */
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

/** With the leading count two kibibytes, a size class of the arena. */
export const RUN_CHILDREN_MAX = 511
