// Faults that a coordination service has had, to be switched back on by a test: whoever looks for
// faults must be able to find these (ZooKeeper issues by number). Production runs with none.

export interface ZabFaults {
  /** 3023, 4646: NEWLEADER is acknowledged before the history that it covers is durable. */
  readonly acknowledgesEarly: boolean
  /** 4643: the current epoch is written before the history of the synchronisation is durable. */
  readonly entersEpochEarly: boolean
  /** 4685: what was proposed during the synchronisation is acknowledged before it is logged. */
  readonly acknowledgesUnlogged: boolean
  /** 4394: a COMMIT between the acknowledgement of NEWLEADER and UPTODATE is not expected. */
  readonly expectsNoCommitInSync: boolean
  /** 4712: what was under way to the log when a role ended reaches it later, behind what followed. */
  readonly logsAfterRole: boolean
  /** 962: between choosing what a learner gets and adding it to the broadcast, commits are missed. */
  readonly joinsLate: boolean
  /** 1154: a learner that is ahead is not cut back. */
  readonly neverTruncates: boolean
  /** 2845: at the end of a role the database keeps what it has; the tail of the log is not applied. */
  readonly forgetsLogTail: boolean
  /** 3104: NEWLEADER is acknowledged before the snapshot received is saved. */
  readonly trustsUnsavedSnapshot: boolean
  /** 3911: proposals that were not committed are not kept over NEWLEADER. */
  readonly dropsUncommitted: boolean
  /** 4785: what is proposed between NEWLEADER and UPTODATE is applied, but not logged. */
  readonly skipsLogInSync: boolean
  /** 4925: the window of committed transactions may have a hole. */
  readonly leavesGapInWindow: boolean
  /** 2832: a learner with an older tail of another epoch is sent the difference as if it had none. */
  readonly ignoresForeignTail: boolean
  /** 4837: a session's ephemerals created while it is being closed stay. */
  readonly missesLateEphemerals: boolean
  /** 4882: after a failed write the log goes on. */
  readonly survivesWriteError: boolean
  /** An acceptedEpoch is promised before it is durable (1653). */
  readonly promisesEpochEarly: boolean
  /** A reconfiguration is decided by a quorum of the members so far, whoever the next ones are. */
  readonly asksOldMembersOnly: boolean
  /** A reconfiguration is acknowledged when it is logged, before the file that tells of it is there. */
  readonly trustsUnwrittenMembership: boolean
}

export const NO_FAULTS: ZabFaults = {
  acknowledgesEarly: false,
  entersEpochEarly: false,
  acknowledgesUnlogged: false,
  expectsNoCommitInSync: false,
  logsAfterRole: false,
  joinsLate: false,
  neverTruncates: false,
  forgetsLogTail: false,
  trustsUnsavedSnapshot: false,
  dropsUncommitted: false,
  skipsLogInSync: false,
  leavesGapInWindow: false,
  ignoresForeignTail: false,
  missesLateEphemerals: false,
  survivesWriteError: false,
  promisesEpochEarly: false,
  asksOldMembersOnly: false,
  trustsUnwrittenMembership: false,
}
