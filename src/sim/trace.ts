// The fingerprint of a run: every event goes into one hash, so that two runs of one seed can be
// compared by a single number. With a listener the same events can be read as lines.

export type TraceListener = (timeUs: number, text: string) => void

export class Trace {
  #high = 0x811c9dc5
  #low = 0xc9dc5118
  #count = 0
  #listener: TraceListener | null

  constructor(listener: TraceListener | null = null) {
    this.#listener = listener
  }

  /** True where someone reads the lines: composing a text for nobody is a waste. */
  get isRead(): boolean {
    return this.#listener !== null
  }

  get count(): number {
    return this.#count
  }

  /** 16 hexadecimal digits over everything so far. */
  get hash(): string {
    return hex(this.#high) + hex(this.#low)
  }

  event(timeUs: number, text: string): void {
    this.#count++
    this.#number(timeUs)
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i))
    if (this.#listener !== null) this.#listener(timeUs, text)
  }

  /** Adds bytes that passed between two parts, without a line. */
  bytes(bytes: Uint8Array): void {
    this.#number(bytes.length)
    for (let i = 0; i < bytes.length; i++) this.#mix(bytes[i]!)
  }

  /** A line for the reader that is no part of the fingerprint. */
  remark(timeUs: number, text: () => string): void {
    if (this.#listener !== null) this.#listener(timeUs, text())
  }

  #number(value: number): void {
    this.#mix(value >>> 0)
    this.#mix(Math.floor(value / 2 ** 32) >>> 0)
  }

  #mix(value: number): void {
    this.#high = Math.imul(this.#high ^ value, 0x01000193)
    this.#low = Math.imul(this.#low ^ (value + (this.#high >>> 15)), 0x85ebca6b)
    this.#low ^= this.#low >>> 13
  }
}

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, '0')
