import { describe, expect, it } from 'vitest'
import { EventStream } from './event-stream.ts'

describe('a stream', () => {
  it('hands out what was put in before its end, then ends', async () => {
    const stream = new EventStream<number>(() => {})
    stream.push(1)
    stream.push(2)
    stream.end()
    stream.push(3)
    const read: number[] = []
    for await (const item of stream) read.push(item)
    expect(read).toEqual([1, 2])
  })

  it('serves readers in the order in which they came', async () => {
    const stream = new EventStream<number>(() => {})
    const reads = [stream.next(), stream.next()]
    stream.push(1)
    stream.push(2)
    expect((await Promise.all(reads)).map(({ value }) => value)).toEqual([1, 2])
  })

  it('fails once behind what is left, and is over then', async () => {
    const stream = new EventStream<number>(() => {})
    stream.push(1)
    stream.end(new Error('broken'))
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    await expect(stream.next()).rejects.toThrow('broken')
    expect((await stream.next()).done).toBe(true)
  })

  it('tells when it is left early, and lets waiting readers go', async () => {
    let left = 0
    const stream = new EventStream<number>(() => left++)
    stream.push(1)
    for await (const _ of stream) break
    expect(left).toBe(1)
    const waiting = new EventStream<number>(() => {})
    const read = waiting.next()
    await waiting.return()
    expect((await read).done).toBe(true)
  })
})
