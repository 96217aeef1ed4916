// Copies a range of bytes from one array into another. A short one is copied byte by byte, because
// a view for `set` costs as much as some fifty bytes do.

export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  if (end - start > BYTEWISE_MAX) {
    target.set(source.subarray(start, end), at)
    return
  }
  let to = at
  for (let from = start; from < end; from++) target[to++] = source[from]!
}

const BYTEWISE_MAX = 48
