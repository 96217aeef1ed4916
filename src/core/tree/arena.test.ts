import { describe, expect, it } from 'vitest'
import { Prng } from '../../base/prng.ts'
import { Arena, SHARED_BLOCK_BYTES_MAX } from './arena.ts'

const MEBIBYTE = 1 << 20

describe('Arena', () => {
  it('gives blocks that do not overlap, of any size', () => {
    const arena = new Arena()
    const sizes = [0, 1, 8, 9, 100, 128, 129, 1_000, 16_383, 16_384, 16_385, 100_000, 1_000_000]
    const blocks = [...sizes, ...sizes, ...sizes].map((size, number) => {
      const address = arena.allocate(size)
      const start = arena.offsetOf(address)
      arena.bytesOf(address).fill(number, start, start + size)
      return { address, size, number }
    })
    for (const { address, size, number } of blocks) {
      const start = arena.offsetOf(address)
      const bytes = arena.bytesOf(address).subarray(start, start + size)
      expect(bytes.length).toBe(size)
      expect(bytes.every((byte) => byte === number)).toBe(true)
    }
    arena.verify()
  })

  it('shows a block as words, too', () => {
    const arena = new Arena()
    for (const size of [12, 20_000]) {
      const address = arena.allocate(size)
      arena.wordsOf(address)[arena.wordOffsetOf(address) + 2] = -1
      const at = arena.offsetOf(address) + 8
      expect([...arena.bytesOf(address).subarray(at, at + 4)]).toEqual([255, 255, 255, 255])
    }
  })

  it('uses freed bytes again: a hundred thousand blocks come and go in one mebibyte', () => {
    const arena = new Arena()
    const random = new Prng(1)
    const held: { address: number; size: number }[] = []
    for (let i = 0; i < 500; i++) held.push(allocate(arena, 100 + random.below(60)))
    for (let i = 0; i < 100_000; i++) {
      const place = random.below(held.length)
      const { address, size } = held[place]!
      arena.free(address, size)
      held[place] = allocate(arena, 100 + random.below(60))
    }
    expect(arena.reservedBytes).toBe(MEBIBYTE)
    arena.verify()
  })

  it('lets another size class have a slab whose blocks are all free', () => {
    const arena = new Arena()
    for (let size = 16; size <= 4_096; size *= 2) {
      const blocks = Array.from({ length: (MEBIBYTE / size) | 0 }, () => arena.allocate(size))
      expect(arena.usedBytes).toBe(MEBIBYTE)
      for (const address of blocks) arena.free(address, size)
      expect(arena.usedBytes).toBe(0)
    }
    expect(arena.reservedBytes).toBe(MEBIBYTE)
    arena.verify()
  })

  it('wastes little by rounding up', () => {
    const arena = new Arena()
    let asked = 0
    for (let size = 20; size < 60_000; size += 37) {
      arena.allocate(size)
      asked += size
    }
    expect(arena.usedBytes / asked).toBeLessThan(1.08)
  })

  it('gives large blocks a buffer of their own, and that back', () => {
    const arena = new Arena()
    const address = arena.allocate(SHARED_BLOCK_BYTES_MAX + 1)
    expect(arena.offsetOf(address)).toBe(0)
    expect(arena.reservedBytes).toBe(arena.usedBytes)
    arena.free(address, SHARED_BLOCK_BYTES_MAX + 1)
    expect(arena.reservedBytes).toBe(0)
    expect(() => arena.free(address, SHARED_BLOCK_BYTES_MAX + 1)).toThrow('freed once')
    expect(arena.allocate(1_000_000)).toBe(address)
  })

  it('knows which sizes are interchangeable', () => {
    const arena = new Arena()
    expect(arena.sameClass(0, 8)).toBe(true)
    expect(arena.sameClass(8, 9)).toBe(false)
    expect(arena.sameClass(129, 144)).toBe(true)
    expect(arena.sameClass(144, 145)).toBe(false)
    expect(arena.sameClass(16_384, 16_385)).toBe(false)
    expect(arena.sameClass(1_000_000, 1_040_000)).toBe(true)
    expect(arena.sameClass(1_000_000, 1_100_000)).toBe(false)
  })

  it('notices a block that is freed with a wrong size', () => {
    const arena = new Arena()
    const address = arena.allocate(100)
    expect(() => arena.free(address, 50)).toThrow('freed with the size')
  })
})

function allocate(arena: Arena, size: number): { address: number; size: number } {
  return { address: arena.allocate(size), size }
}
