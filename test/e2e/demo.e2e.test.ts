/** The founding scene as `npm run demo` plays it: every step, checked by the scene itself in the tree. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('the founding scene: every step happens, in a row', { timeout: 120_000 }, async () => {
  const program = join(import.meta.dirname, '..', '..', 'demo', 'main.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  expect(code, output).toBe(0)

  const happenings = output
    .split('\n')
    .map((line) => line.replace(/^ *[\d.]+ s +/, '').replace(/0x[0-9a-f]+/g, '0x…'))
  const inOrder = [
    '1. A and B register. The smaller number leads, the other one waits.',
    '✔ in the tree: A (Master0000000001, token 0x…) leads, B (Master0000000002, token 0x…) stands by',
    'A       is KILLED (SIGKILL)',
    'B       LEADS as /masters/Master0000000002, fencing token 0x…',
    '✔ in the tree: Master0000000001 is gone, B (Master0000000002, token 0x…) leads',
    '✔ in the tree: B (Master0000000002, token 0x…) leads, A (Master0000000003, token 0x…) stands by',
    'B       is SUSPENDED (SIGSTOP), in the belief that it leads',
    'A       LEADS as /masters/Master0000000003, fencing token 0x…',
    '✔ in the tree: Master0000000002 is gone, A (Master0000000003, token 0x…) leads',
    'B       is CONTINUED (SIGCONT)',
    'B       its write with token 0x… is REFUSED: leadership of /masters: a guarded transaction was refused',
    'B       steps down (token 0x…) before it does anything else',
    '✔ in the tree: A (Master0000000003, token 0x…) leads, B stands by as Master0000000004',
    '✔ in the journal: A, then B, then A again; no write of B after the first of A',
  ]
  expect(happenings.filter((line) => inOrder.includes(line))).toEqual(inOrder)
})
