// What the columns of numbers in this folder have in common.

/** No row: the end of a list, or nothing found. */
export const NONE = -1

/** A copy of twice the length. */
export function grownColumn(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(column.length * 2)
  grown.set(column)
  return grown
}
