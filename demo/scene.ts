// What the processes of the founding scene have to agree on.

/** Where candidates stand, and how their nodes are called. */
export const MASTERS = '/masters'
export const MASTER_PREFIX = 'Master'
/** Where whoever leads writes what it does. */
export const JOURNAL = '/journal'

export const TICK_MS = 200
/** How long a master may be silent before its place is given to another. */
export const OFFICE_SESSION_MS = 2_000

/** What a master tells about itself, one JSON line each. */
export type News =
  | { readonly what: 'leads'; readonly token: number; readonly path: string }
  | { readonly what: 'continues'; readonly token: number; readonly gapMs: number }
  | { readonly what: 'refused'; readonly token: number; readonly reason: string }
  /** It cannot know whether its last write was done. */
  | { readonly what: 'unsure'; readonly token: number }
  | { readonly what: 'steps down'; readonly token: number }
