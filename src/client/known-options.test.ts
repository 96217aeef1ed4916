import { expect, it } from 'vitest'
import { BadOptionsError } from './errors.ts'
import { type KnownOptions, requireKnown } from './known-options.ts'

interface Options {
  readonly size?: number
  readonly name?: string
}

const known: KnownOptions<Options> = { size: true, name: true }

it('takes what is known, in part or as undefined', () => {
  requireKnown('a box', {}, known)
  requireKnown('a box', { size: 1, name: undefined }, known)
})

it.each([
  [{ siez: 1 }, 'a box has no option "siez"; it has size, name'],
  [{ size: 1, toString: 1 }, 'a box has no option "toString"'],
  [null, 'the options of a box are an object, not null'],
  ['large', 'the options of a box are an object, not large'],
])('refuses %j', (options, message) => {
  const call = (): void => requireKnown('a box', options as Options, known)
  expect(call).toThrow(BadOptionsError)
  expect(call).toThrow(message)
})
