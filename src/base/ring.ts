// A queue over a power-of-two array: two cursors and a mask, no shifting and no garbage.

import { assert } from './assert.ts'

export class Ring<T> {
  #slots: (T | undefined)[] = new Array(16)
  #head = 0
  #count = 0

  get length(): number {
    return this.#count
  }

  push(item: T): void {
    if (this.#count === this.#slots.length) this.#grow()
    this.#slots[(this.#head + this.#count) & (this.#slots.length - 1)] = item
    this.#count++
  }

  peek(): T | undefined {
    return this.#slots[this.#head]
  }

  /** The item `index` places behind the head. */
  at(index: number): T | undefined {
    if (index >= this.#count) return undefined
    return this.#slots[(this.#head + index) & (this.#slots.length - 1)]
  }

  last(): T | undefined {
    return this.#count === 0 ? undefined : this.at(this.#count - 1)
  }

  shift(): T {
    assert(this.#count > 0, 'shift of an empty ring')
    const item = this.#slots[this.#head] as T
    this.#slots[this.#head] = undefined
    this.#head = (this.#head + 1) & (this.#slots.length - 1)
    this.#count--
    return item
  }

  clear(): void {
    this.#slots = new Array(16)
    this.#head = 0
    this.#count = 0
  }

  #grow(): void {
    const old = this.#slots
    const mask = old.length - 1
    this.#slots = new Array(old.length * 2)
    for (let i = 0; i < this.#count; i++) this.#slots[i] = old[(this.#head + i) & mask]
    this.#head = 0
  }
}
