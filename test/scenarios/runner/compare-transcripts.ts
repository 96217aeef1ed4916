// Two transcripts of one scenario, from two servers: where they say different things. Times are the
// servers' own, and between connections there is no order.

import { INDENT } from './transcript.ts'

export interface Difference {
  readonly command: string
  readonly ours: readonly string[]
  readonly theirs: readonly string[]
}

export function compareTranscripts(ours: string, theirs: string): readonly Difference[] {
  const others = blocksOf(theirs)
  return blocksOf(ours).flatMap(({ command, lines }, index) => {
    const other = others[index]?.lines ?? []
    return lines.join('\n') === other.join('\n') ? [] : [{ command, ours: lines, theirs: other }]
  })
}

interface Block {
  readonly command: string
  lines: readonly string[]
}

function blocksOf(text: string): readonly Block[] {
  const blocks: { command: string; lines: string[] }[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith(INDENT)) blocks.at(-1)!.lines.push(comparable(line.trim()))
    else if (line !== '' && !line.startsWith('#')) blocks.push({ command: line, lines: [] })
  }
  return blocks.map(({ command, lines }) => ({ command, lines: byClient(lines) }))
}

const comparable = (line: string): string => line.replace(/\bt=\d+(\/\d+)?/g, 't=…')

/** The lines of each client in their order, clients by name. */
function byClient(lines: readonly string[]): readonly string[] {
  return lines
    .map((line, at) => ({ line, at, client: line.split(' ', 1)[0]! }))
    .sort((left, right) =>
      left.client === right.client ? left.at - right.at : left.client < right.client ? -1 : 1,
    )
    .map(({ line }) => line)
}
