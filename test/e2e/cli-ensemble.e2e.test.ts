/** `zabra ensemble` as somebody types it: what it refuses, and how Ctrl+C ends it. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { firstTakenPort, placesOf } from '../../src/cli/ensemble-places.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'
import { ServerProcess } from './server-process.ts'

const zabra = join(import.meta.dirname, '..', '..', 'bin', 'zabra')

test.each([
  ['0', /0 is not a whole number 1\.\.9/],
  ['10', /10 is not a whole number 1\.\.9/],
  ['three', /three is not a whole number/],
  ['3 4', /too many arguments/],
  ['--port 0', /0 is not a whole number 1\.\.63820/],
  ['--port 63821', /63821 is not a whole number/],
  ['--log-level loud', /Allowed choices are debug, info, warn, error/],
  ['--ports 1', /unknown option '--ports'/],
])('zabra ensemble %s is refused with status 2', async (args, reason) => {
  using directory = temporaryDirectory()
  const options = { cwd: directory.path }
  const [code, stderr] = await new Promise<[unknown, string]>((done) => {
    execFile(zabra, ['ensemble', ...args.split(' ')], options, (error, _stdout, text) =>
      done([error?.code, text]),
    )
  })
  expect(code).toBe(2)
  expect(stderr).toMatch(reason)
  expect(existsSync(join(directory.path, 'data'))).toBe(false)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it with status 0', async (signal) => {
  using directory = temporaryDirectory()
  let port = 23_000 + (process.pid % 7_000)
  while ((await firstTakenPort(placesOf({ count: 3, port, directory: '.' }))) !== null) port += 10
  await using servers = new ServerProcess(['ensemble', '--port', String(port)], directory.path)
  const made = [1, 2, 3].map((id) => join(directory.path, 'data', 'ensemble', String(id), 'myid'))
  await until(() => made.every((file) => existsSync(file)))
  servers.signal(signal)
  expect(await servers.ended).toEqual({ code: 0, signal: null })
  expect(servers.stderr).toBe('')
})
