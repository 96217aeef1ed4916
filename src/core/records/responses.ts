// The body of each reply of the client protocol, in wire order. Operations that are not here
// (delete, ping, setWatches, check, closeSession …) answer with a header alone.

import { buffer, int, record, ustring, vector } from '../jute/schema.ts'
import { aclList, clientInfo } from './acl.ts'
import { stat } from './stat.ts'

/** The final path: with its suffix, where the node is sequential. */
export const createResponse = record({ path: ustring })

/** create2, createContainer, createTTL */
export const create2Response = record({ path: ustring, stat })

/** exists, setData, setACL */
export const statResponse = record({ stat })

/** getData, reconfig */
export const getDataResponse = record({ data: buffer, stat })

export const getAclResponse = record({ acl: aclList, stat })

export const getChildrenResponse = record({ children: vector(ustring) })

export const getChildren2Response = record({ children: vector(ustring), stat })

export const syncResponse = record({ path: ustring })

export const getEphemeralsResponse = record({ ephemerals: vector(ustring) })

export const getAllChildrenNumberResponse = record({ totalNumber: int })

export const whoAmIResponse = record({ clientInfo: vector(clientInfo) })

export const saslResponse = record({ token: buffer })

/** addWatch, and the operations of a multi that did not succeed */
export const errorResponse = record({ err: int })
