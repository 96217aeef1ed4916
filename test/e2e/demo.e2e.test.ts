/**
 * The founding scene as `npm run demo` plays it, on one server and on three: every step, checked by the
 * scene itself in the tree.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const before = [
  '1. A and B register. The smaller number leads, the other one waits.',
  '✔ in the tree: A (Master0000000001, token 0x…) leads, B (Master0000000002, token 0x…) stands by',
  'A        is KILLED (SIGKILL)',
  'B        LEADS as /masters/Master0000000002, fencing token 0x…',
  '✔ in the tree: Master0000000001 is gone, B (Master0000000002, token 0x…) leads',
  '✔ in the tree: B (Master0000000002, token 0x…) leads, A (Master0000000003, token 0x…) stands by',
]

const ofAnEnsemble = [
  '4. The server that leads the others is killed. Another one leads; B goes on.',
  'server N is KILLED (SIGKILL)',
  'server N LEADS the other one now',
  '✔ in the tree: B (Master0000000002, token 0x…) leads as before, A stands by',
  '✔ in the journal: all N entries from before, and new ones by B',
  '✔ in the tree of server N: the same masters, and the whole journal',
]

const after = [
  'B        is SUSPENDED (SIGSTOP), in the belief that it leads',
  'A        LEADS as /masters/Master0000000003, fencing token 0x…',
  '✔ in the tree: Master0000000002 is gone, A (Master0000000003, token 0x…) leads',
  'B        is CONTINUED (SIGCONT)',
  'B        its write with token 0x… is REFUSED: leadership of /masters: a guarded transaction was refused',
  'B        steps down (token 0x…) before it does anything else',
  '✔ in the tree: A (Master0000000003, token 0x…) leads, B stands by as Master0000000004',
  '✔ in the journal: A, then B, then A again; no write of B after the first of A',
]

test('the founding scene: every step happens, in a row', { timeout: 120_000 }, async () => {
  await plays([], [...before, ...after])
})

test('on an ensemble, it survives the leading server as well', { timeout: 120_000 }, async () => {
  await plays(['--ensemble'], [...before, ...ofAnEnsemble, ...after])
})

async function plays(args: readonly string[], inOrder: readonly string[]): Promise<void> {
  const program = join(import.meta.dirname, '..', '..', 'demo', 'main.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code, output).toBe(0)

  const happenings = output.split('\n').map((line) =>
    line
      .replace(/^ *[\d.]+ s +/, '')
      .replace(/0x[0-9a-f]+/g, '0x…')
      .replace(/\bserver \d/, 'server N')
      .replace(/\ball \d+ entries/, 'all N entries'),
  )
  expect(happenings.filter((line) => inOrder.includes(line))).toEqual(inOrder)
}
