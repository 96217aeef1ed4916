// The words that operators send instead of a handshake, recognised by their four bytes as an
// integer (ZooKeeper 3.9 `FourLetterCommands`). What is answered is the admin part's business.

const WORDS =
  'conf cons crst dirs dump envi gtmk ruok stmk srst srvr stat wchc wchp wchs mntr isro hash'

/** Telnet's interrupt: answered like a word, under this name. */
const TELNET_CLOSE = 0xfff4fffd | 0

const BY_INTEGER: ReadonlyMap<number, string> = new Map([
  ...WORDS.split(' ').map((word): [number, string] => [integerOf(word), word]),
  [TELNET_CLOSE, 'telnet close'],
])

/** The word that these four bytes spell; null where they are a length, or have not arrived yet. */
export const fourLetterWord = (firstInt: number | undefined): string | null =>
  firstInt === undefined ? null : (BY_INTEGER.get(firstInt) ?? null)

function integerOf(word: string): number {
  let value = 0
  for (let i = 0; i < 4; i++) value = (value << 8) | word.charCodeAt(i)
  return value
}
