import { expect, test } from 'vitest'
import { NodeHasher } from './node-hasher.ts'

const hasher = new NodeHasher()
const base64 = (algorithm: string): string =>
  Buffer.from(hasher.digest(algorithm, Buffer.from('super:secret'))).toString('base64')

test.each([
  ['SHA1', 'lK75jTNcA+U9vtVEw5vB51mj/w4='],
  ['SHA-1', 'lK75jTNcA+U9vtVEw5vB51mj/w4='],
  ['SHA-256', 'WTA5ucCHTdJq645xIMibj8HviTPeB5mMuJ4/+v1dIEw='],
  [
    'SHA-512',
    'YCUumaodxrQ8ju8rJ0IaMlm8XX/1KyZEsjkowYsnA9bsE7LNCzc8Manpy55Ds+mDeMOYNh9+komaD5MRpOIkHg==',
  ],
  ['SHA3-256', 'WC0fcBtN15KqFfwpcvg0TG3tZUPFtDZkMpN7SZ6bt4g='],
])('%s, under the name that ZooKeeper gives it', (algorithm, digest) => {
  expect(hasher.knows(algorithm)).toBe(true)
  expect(base64(algorithm)).toBe(digest)
})

test('an unknown one is known to be unknown', () => {
  expect(hasher.knows('SHA-7')).toBe(false)
  expect(() => hasher.digest('SHA-7', new Uint8Array())).toThrow()
})
