/** What the repository's own tools do with a command line that makes no sense: nothing, and say so. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

test.each([
  ['demo/main.ts --ensembles', /unknown option '--ensembles'/],
  ['demo/main.ts 3', /too many arguments/],
  ['bench/main.ts nothing', /no figure is called nothing; there are: /],
  ['bench/main.ts get --rounds many', /--rounds .*many is not a whole number 1\.\.1000/],
  ['bench/main.ts get --seconds 0', /--seconds .*0 is not a number of seconds 0\.1\.\.86400/],
  ['bench/main.ts get --player rust', /Allowed choices are c, node/],
  [
    'bench/main.ts get --beside localhost',
    /--beside wants IPv4 addresses with ports, not localhost/,
  ],
  ['bench/main.ts get --beside apache', /--beside apache is for the figures of ensembles/],
  ['interop/differential.ts --against zookeeper', /Allowed choices are apache, zabra, mixed/],
  ['interop/differential.ts --against mixed', /--against mixed needs --ensemble/],
  ['interop/differential.ts --a 127.0.0.1:2181', /--a and --b go together/],
  ['interop/differential.ts --steps -1', /-1 is not a whole number 1\.\.1000000/],
  ['test/scenarios/runner/main.ts nowhere', /no scenario is called nowhere/],
  ['test/scenarios/runner/main.ts --tree oak', /Allowed choices are naive, column/],
  ['test/scenarios/runner/main.ts --against here', /--against HOST:PORT NAME/],
  ['src/sim/main.ts --seed one', /--seed needs a whole number from 0, not one/],
  ['src/sim/main.ts --count 0', /--count needs a whole number from 1, not 0/],
  ['src/sim/main.ts --seed', /--seed <value>' argument missing/],
  ['src/sim/main.ts --seeds 7', /Unknown option '--seeds'/],
  ['src/sim/main.ts 7', /Unexpected argument '7'/],
  ['src/sim/main.ts --with {', /--with needs an object of options as JSON, not \{/],
  ['src/sim/main.ts --with 7', /--with needs an object of options as JSON, not 7/],
  ['src/sim/main.ts --with {"crashes":7}', /--with: no option is called crashes/],
])('%s', { timeout: 60_000 }, (line, complaint) => {
  const args = ['--import', 'tsx', ...line.split(' ')]
  const { status, stderr, stdout } = spawnSync(process.execPath, args, {
    cwd: root,
    encoding: 'utf8',
  })
  expect(stderr).toMatch(complaint)
  expect(stderr).not.toMatch(/^ {4}at /m)
  expect(stdout).toBe('')
  expect(status).toBe(2)
})
