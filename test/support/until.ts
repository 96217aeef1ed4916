// Waiting in tests for something to become true, without deciding how long that takes.

import { setTimeout as sleep } from 'node:timers/promises'

/** Looks every few milliseconds; the test's own time limit is the bound. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(5)
}

export async function untilState(
  zk: { readonly state: string },
  ...states: readonly string[]
): Promise<void> {
  await until(() => states.includes(zk.state))
}
