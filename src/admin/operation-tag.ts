// The four letters by which the `cons` word names an operation (ZooKeeper 3.9 `Request.op2String`
// and the tags of `FinalRequestProcessor`).

const tags: Readonly<Record<string, string>> = {
  create: 'CREA',
  create2: 'CREA',
  createContainer: 'CREA',
  createTTL: 'CREA',
  delete: 'DELE',
  deleteContainer: 'DELE',
  exists: 'EXIS',
  getData: 'GETD',
  setData: 'SETD',
  getACL: 'GETA',
  setACL: 'SETA',
  getChildren: 'GETC',
  getChildren2: 'GETC',
  getAllChildrenNumber: 'GETACN',
  getEphemerals: 'GETE',
  sync: 'SYNC',
  ping: 'PING',
  multi: 'MULT',
  multiRead: 'MLTR',
  reconfig: 'RECO',
  check: 'CHEC',
  setWatches: 'SETW',
  setWatches2: 'STW2',
  checkWatches: 'CHKW',
  removeWatches: 'REMW',
  addWatch: 'ADDW',
  whoAmI: 'HOMI',
  createSession: 'SESS',
  closeSession: 'CLOS',
}

/** A connection that has only been given its session was last answered about that. */
export function operationTag(name: string): string {
  return tags[name] ?? 'SESS'
}
