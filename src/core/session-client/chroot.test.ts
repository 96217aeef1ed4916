import { expect, it } from 'vitest'
import { toClientPath, toServerPath } from './chroot.ts'

it.each([
  ['', '/', '/'],
  ['', '/a', '/a'],
  ['/app', '/', '/app'],
  ['/app', '/a/b', '/app/a/b'],
])('below %j the path %j is %j on the server, and back', (chroot, path, serverPath) => {
  expect(toServerPath(chroot, path)).toBe(serverPath)
  expect(toClientPath(chroot, serverPath)).toBe(path)
})

it('leaves paths outside the chroot as they are', () => {
  expect(toClientPath('/app', '/zookeeper/config')).toBe('/zookeeper/config')
  expect(toClientPath('/app', '/application')).toBe('/application')
})
