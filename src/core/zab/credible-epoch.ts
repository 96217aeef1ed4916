// How far ahead an epoch may be that another server tells of. Epochs rise by one with each election
// that got somewhere, and there are about two million of them here (`base/zxid.ts`): whoever believed
// any number would let one broken or malicious server use them all up, for good, in one message. So
// nobody goes further in one step than a sixteenth of what is left. Servers of one ensemble are never
// that far apart, unless one has missed more than 130,000 elections; and since what is left shrinks
// with each step, no number of lies in a row reaches the end. (ZooKeeper 3.9 believes everything; its
// epochs have 31 bits.)

import { EPOCH_LIMIT } from '../../base/zxid.ts'

/** `accepted` is the latest epoch that this server has promised itself. */
export function isCredibleEpoch(epoch: number, accepted: number): boolean {
  const left = EPOCH_LIMIT - 1 - accepted
  return epoch >= 0 && epoch - accepted <= Math.ceil(left / 16)
}
