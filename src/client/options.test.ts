import { expect, it } from 'vitest'
import { resolveOptions } from './options.ts'

it('has safe defaults', () => {
  const { hosts, chroot, operationTimeoutMs, machine } = resolveOptions('a,b:2182/app')
  expect(hosts).toEqual([
    { host: 'a', port: 2181 },
    { host: 'b', port: 2182 },
  ])
  expect([chroot, operationTimeoutMs]).toEqual(['/app', 15_000])
  expect(machine).toMatchObject({
    sessionTimeoutMs: 30_000,
    connectTimeoutMs: null,
    renewSession: true,
    readOnly: false,
    inFlightMax: 1_000,
    offline: { calls: 10_000, bytes: 16_777_216 },
  })
})

it('puts the chroot of the options behind that of the target', () => {
  expect(resolveOptions('a/x', { chroot: '/y' }).chroot).toBe('/x/y')
  expect(resolveOptions('a', { chroot: '/' }).chroot).toBe('')
})

it.each([
  [{ sessionTimeout: 0 }, /sessionTimeout must be a positive number/],
  [{ sessionTimeout: Number.NaN }, /sessionTimeout/],
  [{ operationTimeout: -1 }, /operationTimeout/],
  [{ maxInFlight: 0.5 }, /maxInFlight must be a positive whole number/],
  [{ chroot: 'app' }, /chroot/],
  [{ sessionTimeOut: 5 } as object, /a client has no option "sessionTimeOut"/],
])('refuses %j', (options, message) => {
  expect(() => resolveOptions('a', options)).toThrow(message)
})
