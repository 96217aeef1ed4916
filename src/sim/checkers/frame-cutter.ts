// Cuts a stream into frames for the checkers, by a way of its own and without any hurry.

export class FrameCutter {
  readonly #frameBytesMax: number
  #rest = new Uint8Array(0)
  #isBroken = false

  constructor(frameBytesMax: number = Number.MAX_SAFE_INTEGER) {
    this.#frameBytesMax = frameBytesMax
  }

  /** A frame has a length that nobody may send: nothing can be read any more. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** The frames that are whole with `chunk`, each in an array of its own. */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#isBroken) return []
    const all = this.#rest.length === 0 ? chunk : joined(this.#rest, chunk)
    const view = new DataView(all.buffer, all.byteOffset, all.length)
    const frames: Uint8Array[] = []
    let at = 0
    while (all.length - at >= 4) {
      const length = view.getInt32(at)
      if (length < 0 || length > this.#frameBytesMax) {
        this.#isBroken = true
        break
      }
      if (all.length - at - 4 < length) break
      frames.push(all.slice(at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#rest = all.slice(at)
    return frames
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length)
  both.set(a)
  both.set(b, a.length)
  return both
}
