// Sessions that are never heard of again, each with an ephemeral node, and their end.

import { expect } from 'vitest'
import { connect } from '../../src/client/index.ts'

const MAYFLIES = '/mayflies'

/** A client that makes an ephemeral node and falls silent. */
export async function leaveMayfly(target: string, number: number, tickMs: number): Promise<void> {
  const zk = await connect(target, {
    sessionTimeout: 2 * tickMs,
    tickTime: tickMs,
    timeout: 20_000,
  })
  const path = `${MAYFLIES}/${number}`
  await zk.create(path, '', { ephemeral: true, parents: 'persistent' }).catch(() => {})
  await zk.close({ keepSession: true })
}

/** The servers find out. */
export async function expectNoMayflies(target: string, tickMs: number): Promise<void> {
  await using zk = await connect(target, { sessionTimeout: 10_000, tickTime: tickMs })
  const left = async (): Promise<readonly string[]> =>
    (await zk.getChildren(MAYFLIES, { consistency: 'strict' }).catch(() => ({ children: [] })))
      .children
  await expect.poll(left, { timeout: 20_000 }).toEqual([])
}
