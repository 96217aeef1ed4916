// The body of each request of the client protocol, in wire order.

import { bool, buffer, int, long, record, ustring, vector } from '../jute/schema.ts'
import { aclList } from './acl.ts'

/** create, create2, createContainer */
export const createRequest = record({ path: ustring, data: buffer, acl: aclList, flags: int })

/** ttl in milliseconds; any 64 bits may arrive, so it is checked as a bigint */
export const createTtlRequest = record({
  path: ustring,
  data: buffer,
  acl: aclList,
  flags: int,
  ttl: long,
})

export const deleteRequest = record({ path: ustring, version: int })

/** exists, getData, getChildren, getChildren2 */
export const readRequest = record({ path: ustring, watch: bool })

export const setDataRequest = record({ path: ustring, data: buffer, version: int })

/** getACL, sync, getAllChildrenNumber */
export const pathRequest = record({ path: ustring })

/** The version is compared with `aversion`. */
export const setAclRequest = record({ path: ustring, acl: aclList, version: int })

export const checkVersionRequest = record({ path: ustring, version: int })

export const reconfigRequest = record({
  joiningServers: ustring,
  leavingServers: ustring,
  newMembers: ustring,
  curConfigId: long,
})

/** checkWatches, removeWatches: the type is a `WatcherType` */
export const watcherRequest = record({ path: ustring, type: int })

export const authPacket = record({ type: int, scheme: ustring, auth: buffer })

export const setWatchesRequest = record({
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
})

export const setWatches2Request = record({
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
  persistentWatches: vector(ustring),
  persistentRecursiveWatches: vector(ustring),
})

export const saslRequest = record({ token: buffer })

export const getEphemeralsRequest = record({ prefixPath: ustring })

/** The mode is an `AddWatchMode`. */
export const addWatchRequest = record({ path: ustring, mode: int })

export const createSessionRequest = record({ timeOut: int })
