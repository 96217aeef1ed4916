// Every operation code of the client protocol, with what a server must know of each before it
// looks at the body (ZooKeeper 3.9 `ZooDefs.OpCode`).

export const OpCode = {
  notification: 0,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const

export type OpCode = (typeof OpCode)[keyof typeof OpCode]

/**
 * How a server treats an operation: `read` is answered from its own tree, `write` goes through the
 * order of transactions, `special` has rules of its own, `refused` is answered Unimplemented and
 * ends the connection: codes that only servers use, or that only exist inside a multi.
 */
export type OpKind = 'read' | 'write' | 'special' | 'refused'

const KINDS: ReadonlyMap<number, OpKind> = new Map<number, OpKind>([
  [OpCode.notification, 'refused'],
  [OpCode.create, 'write'],
  [OpCode.delete, 'write'],
  [OpCode.exists, 'read'],
  [OpCode.getData, 'read'],
  [OpCode.setData, 'write'],
  [OpCode.getACL, 'read'],
  [OpCode.setACL, 'write'],
  [OpCode.getChildren, 'read'],
  [OpCode.sync, 'special'],
  [OpCode.ping, 'special'],
  [OpCode.getChildren2, 'read'],
  [OpCode.check, 'refused'],
  [OpCode.multi, 'write'],
  [OpCode.create2, 'write'],
  [OpCode.reconfig, 'write'],
  [OpCode.checkWatches, 'read'],
  [OpCode.removeWatches, 'read'],
  [OpCode.createContainer, 'write'],
  [OpCode.deleteContainer, 'refused'],
  [OpCode.createTTL, 'write'],
  [OpCode.multiRead, 'read'],
  [OpCode.auth, 'special'],
  [OpCode.setWatches, 'read'],
  [OpCode.sasl, 'special'],
  [OpCode.getEphemerals, 'read'],
  [OpCode.getAllChildrenNumber, 'read'],
  [OpCode.setWatches2, 'read'],
  [OpCode.addWatch, 'read'],
  [OpCode.whoAmI, 'read'],
  [OpCode.createSession, 'refused'],
  [OpCode.closeSession, 'write'],
  [OpCode.error, 'refused'],
])

/** Codes that are not in the table are refused too. */
export const opKind = (code: number): OpKind => KINDS.get(code) ?? 'refused'

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(OpCode).map(([name, code]) => [code, name]),
)

export const opName = (code: number): string => NAMES.get(code) ?? `op ${code}`

/** xids with a meaning of their own. */
export const Xid = {
  notification: -1,
  ping: -2,
  auth: -4,
  setWatches: -8,
} as const

/** The `flags` of a create request. */
export const CreateMode = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentTtl: 5,
  persistentSequentialTtl: 6,
} as const

export type CreateMode = (typeof CreateMode)[keyof typeof CreateMode]

export const isCreateMode = (flags: number): flags is CreateMode => flags >= 0 && flags <= 6

export const isSequential = (mode: CreateMode): boolean =>
  mode === CreateMode.persistentSequential ||
  mode === CreateMode.ephemeralSequential ||
  mode === CreateMode.persistentSequentialTtl

export const isEphemeral = (mode: CreateMode): boolean =>
  mode === CreateMode.ephemeral || mode === CreateMode.ephemeralSequential

export const isTtl = (mode: CreateMode): boolean =>
  mode === CreateMode.persistentTtl || mode === CreateMode.persistentSequentialTtl

/** The longest time to live, in milliseconds: 40 bits. */
export const TTL_MS_MAX = 0xff_ffff_ffff
