/**
 * Answers to four-letter words as they can be compared between two servers in the same state: line
 * by line, without what depends on the moment or the machine, and sets in sorted order.
 */

/** Lines of `mntr` whose value follows from what was done, at any server. */
export const figuresOfWork = [
  'server_state',
  'num_alive_connections',
  'outstanding_requests',
  'znode_count',
  'watch_count',
  'ephemerals_count',
  'approximate_data_size',
  'global_sessions',
  'connection_rejected',
  'digest_mismatches_count',
]

/** `sessions` are named by their place in the list. */
export function wordShape(word: string, text: string, sessions: readonly bigint[]): string[] {
  const lines = sessions
    .reduce((named, id, at) => named.replaceAll(`0x${id.toString(16)}`, `(session ${at})`), text)
    .replaceAll(/\d+\.\d+\.\d+-[^ ,]+, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC/g, '(version)')
    .replaceAll(/\/127\.0\.0\.1:\d+/g, '(client)')
    .replaceAll(/127\.0\.0\.1:[\d:]*\d/g, '(address)')
    .replaceAll(/(est|lresp|llat|minlat|avglat|maxlat)=\d+/g, '$1=#')
    .replaceAll(/(min\/avg\/max): \d+\/\d+\.\d+\/\d+/g, '$1: #/#.#/#')
    .replaceAll(/(Received|Sent|datadir_size|logdir_size): \d+/g, '$1: #')
    .replaceAll(/(dataDirSize|dataLogSize|clientPort|electionPort|quorumPort)=\d+/g, '$1=#')
    .replaceAll(/(dataDir|dataLogDir)=.*\/version-2/g, '$1=(directory)/version-2')
    .replaceAll(/Sets \(\d+\)/g, 'Sets (#)')
    // Which bucket a session is in depends on the moment, and so does the number of buckets.
    .replaceAll(/^\d+ expire at \w{3} \w{3} \d\d \d\d:\d\d:\d\d \w+ \d{4}:\n/gm, '')
    .split('\n')
  if (word === 'envi') return lines.map((line) => line.replace(/=.*/, '='))
  return inBlocks(lines)
}

/** Sorts runs of indented lines, and blocks that begin with a session or a path. */
function inBlocks(lines: readonly string[]): string[] {
  const blocks: string[][] = []
  for (const line of lines) {
    const last = blocks.at(-1)
    if (/^[\t ]/.test(line) && last !== undefined) last.push(line)
    else blocks.push([line])
  }
  // `cons` has no heading: its first line is one of those to be sorted.
  const sorted = blocks.map(([head = '', ...inner]) =>
    head.startsWith(' ') ? [head, ...inner].sort() : [head, ...inner.sort()],
  )
  const isSet = (block: readonly string[]): boolean => /^(\(session|\/|[ \t])/.test(block[0] ?? '')
  const sets = sorted.filter(isSet).sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))
  return sorted.flatMap((block) => (isSet(block) ? (sets.shift() ?? []) : block))
}
