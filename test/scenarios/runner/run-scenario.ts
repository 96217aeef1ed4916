// Runs one scenario and gives its transcript: the text as it should be.

import { type Command, isOfClient } from './command.ts'
import { parseHex } from './describe.ts'
import { isCompound } from './operation.ts'
import { INDENT, parseTranscript } from './transcript.ts'
import type { Vocabulary } from './vocabulary.ts'
import { Arguments, splitLists, splitWords, toInteger, type Word } from './words.ts'
import { type MakeBackend, World } from './world.ts'
import type { JuteWriter } from '../../../src/core/jute/writer.ts'

export async function runScenario(
  text: string,
  vocabulary: Vocabulary,
  makeBackend: MakeBackend,
): Promise<string> {
  const world = new World(vocabulary, makeBackend)
  const lines: string[] = []
  for (const { line, command, text: original } of parseTranscript(text)) {
    lines.push(original)
    if (command === null) continue
    try {
      await perform(command, world, vocabulary)
      await world.backend.settle()
    } catch (problem) {
      const soFar = world.takeLines().map((said) => `\n${INDENT}${said}`)
      const why = problem instanceof Error ? problem.message : String(problem)
      throw new Error(`line ${line}, ${command}: ${why}${soFar.join('')}`, { cause: problem })
    }
    for (const said of world.takeLines()) lines.push(INDENT + said)
  }
  return `${lines.join('\n')}\n`
}

/** Performs one command; what comes of it is told by the world once its backend has settled. */
export async function perform(line: string, world: World, vocabulary: Vocabulary): Promise<void> {
  const words = splitWords(line)
  const first = words[0]!.text
  const command = vocabulary.command(first)
  if (command !== undefined && !isOfClient(command)) {
    await performCommand(command, world, new Arguments(words.slice(1)))
  } else {
    performOfClient(first, words.slice(1), world, vocabulary)
  }
}

async function performCommand(command: Command, world: World, args: Arguments): Promise<void> {
  await command.run(world, args)
  args.done()
}

/** Several requests with `&` between them leave in one piece; `extra=HEX` follows a request's body. */
function performOfClient(
  name: string,
  words: readonly Word[],
  world: World,
  vocabulary: Vocabulary,
): void {
  const verb = words[0]?.text ?? ''
  const command = vocabulary.command(verb)
  if (command !== undefined && isOfClient(command)) {
    const args = new Arguments(words.slice(1))
    command.run(world, name, args)
    args.done()
    return
  }
  const client = world.client(name)
  const frames = splitRequests(words).map((request) => makeRequest(request, client, vocabulary))
  world.send(client, concatenate(frames))
}

function splitRequests(words: readonly Word[]): readonly (readonly Word[])[] {
  const requests: Word[][] = [[]]
  for (const word of words) {
    if (!word.isQuoted && word.text === '&') requests.push([])
    else requests[requests.length - 1]!.push(word)
  }
  return requests
}

function makeRequest(
  words: readonly Word[],
  client: ReturnType<World['client']>,
  vocabulary: Vocabulary,
): Uint8Array {
  const verb = words[0]?.text ?? ''
  const operation = vocabulary.operation(verb)
  if (operation === undefined) throw new Error(`there is no command ${verb}`)
  if (isCompound(operation)) {
    const parts = splitLists(words.slice(1))
    const write = (out: JuteWriter): void => operation.write(parts, out, vocabulary)
    return client.request(operation, undefined, write)
  }
  const args = new Arguments(words.slice(1))
  const xid = args.named('xid')
  const extra = parseHex(args.named('extra') ?? '')
  const bytes = client.request(
    operation,
    typeof xid === 'string' ? toInteger(xid, 'xid=') : undefined,
    (out) => {
      operation.write(args, out)
      out.raw(extra, 0, extra.length)
    },
  )
  args.done()
  return bytes
}

function concatenate(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
