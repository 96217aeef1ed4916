// Scenarios that nobody wrote: clients come, ask, move their sessions, break off and fall silent
// while the disk is slow and the server dies. Whatever happens, the invariants hold after every
// turn, nothing is sent to a connection that is closed (the runner sees to both), answers come in
// the order of the requests, and both trees lead to the same transcript.

import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { perform } from './runner/run-scenario.ts'
import { loadVocabulary } from './runner/vocabulary.ts'
import type { TreeKind } from './runner/replica-backend.ts'
import { replicaOn, World } from './runner/world.ts'

const vocabulary = await loadVocabulary()

type Event =
  | { readonly kind: 'connect'; readonly timeoutMs: number }
  | { readonly kind: 'renew'; readonly of: number; readonly isWrong: boolean }
  | { readonly kind: 'ask'; readonly client: number; readonly requests: readonly string[] }
  | { readonly kind: 'drop'; readonly client: number }
  | { readonly kind: 'server'; readonly command: string }

const path = fc.constantFrom('/', '/a', '/a', '/b', '/a/1', '/a/2', '/b/1')
const some = (...templates: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...templates), path)
    .map(([template, at]) => template.replaceAll('PATH', at))

const request = fc.oneof(
  {
    weight: 8,
    arbitrary: some(
      'create PATH',
      'create PATH flags=ephemeral',
      'create PATH flags=ephemeralSequential',
      'createContainer PATH',
      'create2 PATH data=x acl=auth::rwcda acl=world:anyone:r',
      'multi create PATH ; setData PATH data=z',
      'multi check PATH version=0 ; delete PATH',
    ),
  },
  {
    weight: 5,
    arbitrary: some('delete PATH', 'setData PATH data=y', 'setACL PATH acl=world:anyone:31'),
  },
  {
    weight: 6,
    arbitrary: some(
      'getData PATH watch',
      'exists PATH watch',
      'getChildren2 PATH watch',
      'addWatch PATH',
      'addWatch PATH recursive',
      'removeWatches PATH any',
      'setWatches since=3 data=PATH child=PATH',
    ),
  },
  {
    weight: 4,
    arbitrary: some('getData PATH', 'getChildren PATH', 'getEphemerals PATH', 'sync PATH', 'ping'),
  },
  { weight: 2, arbitrary: some('auth digest u:p', 'auth ip x', 'whoAmI', 'sasl ""') },
  { weight: 1, arbitrary: some('closeSession', 'auth nonsense x', 'check PATH', 'createSession') },
)

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(4_000, 10_000)
      .map((timeoutMs): Event => ({ kind: 'connect', timeoutMs })),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.nat(), fc.integer({ min: 0, max: 5 }))
      .map(([of, wrong]): Event => ({ kind: 'renew', of, isWrong: wrong === 0 })),
  },
  {
    weight: 16,
    arbitrary: fc
      .tuple(fc.nat(), fc.array(request, { minLength: 1, maxLength: 4 }))
      .map(([client, requests]): Event => ({ kind: 'ask', client, requests })),
  },
  { weight: 1, arbitrary: fc.nat().map((client): Event => ({ kind: 'drop', client })) },
  {
    weight: 8,
    arbitrary: fc
      .constantFrom(
        'disk manual',
        'disk',
        'disk 1',
        'disk 2',
        'disk prompt',
        'advance 1000',
        'advance 5000',
        'restart',
      )
      .map((command): Event => ({ kind: 'server', command })),
  },
)

const events = fc.array(event, { maxLength: 50, size: 'max' })

it('any scenario keeps the invariants, and is the same on both trees', async () => {
  await fc.assert(
    fc.asyncProperty(events, async (list) => {
      const naive = await transcriptOf(list, 'naive')
      const column = await transcriptOf(list, 'column')
      expect(column).toEqual(naive)
    }),
    { numRuns: 60 },
  )
})

/** What is told after each command. Its lines are sorted: ephemerals go in no particular order. */
async function transcriptOf(list: readonly Event[], tree: TreeKind): Promise<readonly string[][]> {
  const world = new World(vocabulary, replicaOn(tree))
  const transcript: string[][] = []
  const run = async (command: string): Promise<void> => {
    await perform(command, world, vocabulary)
    await world.backend.settle()
    const lines = world.takeLines()
    for (const line of lines) {
      // These alone do not wait for what was asked before.
      if (line.includes('asked earlier')) expect(line).toMatch(/ (auth|sasl|check|createSession) /)
      expect(line).not.toMatch(/unasked|unreadable|left over/)
    }
    transcript.push([command, ...[...lines].sort()])
  }
  for (const command of commandsOf(list, world)) await run(command())
  await run('disk prompt')
  for (const client of world.clients) {
    if (client.isOpen) expect([client.name, client.unansweredCount]).toEqual([client.name, 0])
  }
  world.replica.replica.database.tree.verify()
  expect(world.replica.replica.proposer!.preparer.pending.size).toBe(0)
  return transcript
}

/** Commands as the events and the clients of that moment make them. */
function* commandsOf(list: readonly Event[], world: World): Generator<() => string> {
  let count = 0
  const isOpen = (number: number): boolean => world.client(`C${number}`).isOpen
  for (const one of list) {
    switch (one.kind) {
      case 'connect':
        yield () => `connect C${++count} timeout=${one.timeoutMs}`
        break
      case 'renew': {
        if (count === 0) break
        const of = (one.of % count) + 1
        const password = one.isWrong ? ` password=${'00'.repeat(16)}` : ''
        if (world.client(`C${of}`).sessionId === 0n) break
        yield () => `connect C${++count} session=C${of}${password}`
        break
      }
      case 'ask': {
        const client = count === 0 ? 0 : (one.client % count) + 1
        if (client > 0 && isOpen(client)) yield () => `C${client} ${one.requests.join(' & ')}`
        break
      }
      case 'drop': {
        const client = count === 0 ? 0 : (one.client % count) + 1
        if (client > 0 && isOpen(client)) yield () => `drop C${client}`
        break
      }
      case 'server':
        yield () => one.command
        break
    }
  }
}
