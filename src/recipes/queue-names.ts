// The names of those who wait in one directory, and their order. Contenders of other libraries
// take part where their names are known: Curator and the Go client sort what stands behind the last
// `lock-`, kazoo the ten digits behind `__lock__`, both as text. All who share a directory must
// agree on the order, so that is what is done here too; only a directory of one's own is ordered
// as numbers, which stays right when the 32-bit counter of the parent wraps.

/** How the nodes of a recipe are named and recognised. */
export interface NameScheme {
  /** Stands before the sequence number: `lock-`, `latch-`, `__lock__`, `Master`. */
  readonly prefix: string
  /** The mark by which a node is found again after a lost answer. */
  readonly mark: 'curator' | 'hex' | 'data'
  /** Further patterns of contenders to wait for. */
  readonly alsoRespect: readonly string[]
  /** `text` as other libraries do, `serial` for a directory that only this library uses. */
  readonly order: 'text' | 'serial'
}

export interface Contender {
  readonly name: string
  /** The digits behind the pattern, with a sign where the counter has wrapped. */
  readonly sequence: string
}

/** The contenders among the names of a directory, first come first; others are left out. */
export function contendersOf(names: readonly string[], scheme: NameScheme): Contender[] {
  const patterns = [scheme.prefix, ...scheme.alsoRespect]
  const contenders: Contender[] = []
  for (const name of names) {
    const sequence = sequenceOf(name, patterns)
    if (sequence !== null) contenders.push({ name, sequence })
  }
  const compare = scheme.order === 'text' ? compareText : compareSerial
  return contenders.sort((a, b) => compare(a.sequence, b.sequence) || compareText(a.name, b.name))
}

/**
 * Names with the same mark as `own`: made by one attempt whose first answer was lost. None where
 * the mark is not in the name.
 */
export function twinsOf(own: string, names: readonly string[], { mark }: NameScheme): string[] {
  const length = mark === 'curator' ? CURATOR_MARK_LENGTH : mark === 'hex' ? HEX_MARK_LENGTH : 0
  if (length === 0) return []
  const prefix = own.slice(0, length)
  return names.filter((name) => name !== own && name.startsWith(prefix))
}

function sequenceOf(name: string, patterns: readonly string[]): string | null {
  for (const pattern of patterns) {
    const at = name.lastIndexOf(pattern)
    if (at < 0) continue
    const rest = name.slice(at + pattern.length)
    if (/^-?\d{9,10}$/.test(rest)) return rest
  }
  return null
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Which of two 32-bit counters is ahead, as long as they are less than 2^31 apart. */
const compareSerial = (a: string, b: string): number => (Number(a) - Number(b)) | 0

const HEX_MARK_LENGTH = 32
/** `_c_`, 36 characters, `-`. */
const CURATOR_MARK_LENGTH = 40
