// Creating a node exactly once although the answer may be lost. The node carries a mark by which
// it is found again: a unique prefix of its name, or its data. Without that, a second attempt
// would leave a node that nobody knows, and who waits for the node before its own would wait for
// itself.

import { nameOf, parentPath } from '../base/path.ts'
import { equalBytes } from '../base/text.ts'
import { OpCode } from '../core/records/opcodes.ts'
import { contentOf } from './convert.ts'
import { type CreateOptions, type Created, createOnce } from './create.ts'
import type { Bytes } from './bytes.ts'
import { deleteOnce } from './delete.ts'
import type { ClientCall } from './driver.ts'
import { SessionLostError, isZkError } from './errors.ts'
import { asBytes } from './options.ts'
import { Request, type View } from './request.ts'
import { Deadline, untilConnected } from './waiting.ts'

/**
 * How a node is marked: `curator` writes `_c_<uuid>-` before its name, `hex` 32 digits (as kazoo
 * and its locks do), `data` leaves the name alone and relies on data that nobody else writes.
 */
export type ProtectionStyle = 'curator' | 'hex' | 'data'

export async function createProtected(
  view: View,
  path: string,
  data: Bytes,
  options: CreateOptions,
  style: ProtectionStyle,
): Promise<Created> {
  const { driver } = view
  const timeoutMs = options.timeout ?? view.operationTimeoutMs
  const deadline = new Deadline(driver.platform, `create ${path}`, timeoutMs, options.signal)
  const attempt = new Attempt(view, path, asBytes(data), options, style)
  for (;;) {
    await untilConnected(driver, deadline)
    attempt.sessionId = driver.sessionId
    try {
      const once = { ...options, ...deadline.step, idempotent: false, boundTo: 'session' } as const
      return await createOnce(view, attempt.path, data, once)
    } catch (error) {
      if (!isZkError(error) || error.outcome !== 'unknown') throw error
      const found = await attempt.afterLostAnswer(deadline)
      if (found !== null) return found
    }
  }
}

class Attempt {
  readonly path: string
  sessionId = 0n
  readonly #view: View
  readonly #data: Uint8Array
  readonly #isEphemeral: boolean
  readonly #isSequential: boolean
  readonly #parent: string
  readonly #name: string
  readonly #comparesData: boolean

  constructor(
    view: View,
    path: string,
    data: Uint8Array,
    options: CreateOptions,
    style: ProtectionStyle,
  ) {
    this.#view = view
    this.#data = data.slice()
    this.#isEphemeral = options.ephemeral ?? false
    this.#isSequential = options.sequential ?? false
    this.#parent = parentPath(path)
    this.#name = markOf(style, view) + nameOf(path)
    this.#comparesData = style === 'data'
    this.path = this.#parent === '/' ? `/${this.#name}` : `${this.#parent}/${this.#name}`
  }

  /** Finds out whether the node was made. Null: it was not, and may be tried again under its mark. */
  async afterLostAnswer(deadline: Deadline): Promise<Created | null> {
    try {
      await untilConnected(this.#view.driver, deadline)
      this.#throwIfSessionIsOver()
      const own = await this.#findOwn(deadline)
      this.#throwIfSessionIsOver()
      const [kept, ...extra] = own
      for (const one of extra) await deleteOnce(this.#view, one.path, deadline.step).catch(ignore)
      return kept ?? null
    } catch (error) {
      this.#leaveToJanitor()
      throw error
    }
  }

  /** Whoever asked has given up: what may be there must not stay. */
  #leaveToJanitor(): void {
    const { driver, janitor } = this.#view
    if (this.#isEphemeral && driver.sessionId !== this.sessionId) return
    const swept = janitor.run(`create ${this.path} ${this.sessionId}`, async () => {
      if (this.#isEphemeral && driver.sessionId !== this.sessionId) return
      const timeoutMs = Number.POSITIVE_INFINITY
      const unbounded = new Deadline(driver.platform, `clean up ${this.path}`, timeoutMs, undefined)
      for (const one of await this.#findOwn(unbounded)) {
        await deleteOnce(this.#view, one.path, { idempotent: true }).catch(ignoreNoNode)
      }
    })
    swept.catch(ignore)
  }

  #throwIfSessionIsOver(): void {
    if (!this.#isEphemeral || this.#view.driver.sessionId === this.sessionId) return
    const message = `create ${this.path}: the session that would own the node is gone`
    const code = 'ZK_SESSION_LOST'
    throw new SessionLostError(message, { code, retry: 'new-session', path: this.path })
  }

  /** Nodes with our mark, the oldest first. The server may be behind: it is made to catch up before. */
  async #findOwn(deadline: Deadline): Promise<Created[]> {
    const view = this.#view
    const sync = Request.on(view, OpCode.sync, this.#parent, deadline.step, () => undefined)
    const list = Request.on(view, OpCode.getChildren2, this.#parent, deadline.step, namesOf)
    const [, names] = await Promise.all([sync.send(), list.send().catch(nothingForNoNode)])
    const found: Created[] = []
    for (const name of names) {
      const isOurs = this.#isSequential ? name.startsWith(this.#name) : name === this.#name
      if (!isOurs) continue
      const path = this.#parent === '/' ? `/${name}` : `${this.#parent}/${name}`
      const node = await this.#read(path, deadline)
      if (node !== null) found.push(node)
    }
    return found.sort((a, b) => a.stat.czxid - b.stat.czxid)
  }

  /** The node, if it is ours: one with our mark but another owner belongs to a session that ended. */
  async #read(path: string, deadline: Deadline): Promise<Created | null> {
    const request = Request.on(this.#view, OpCode.getData, path, deadline.step, contentOf)
    try {
      const { data, stat } = await request.send()
      if (this.#isEphemeral && stat.ephemeralOwner !== this.sessionId) return null
      if (this.#comparesData && !equalBytes(data, this.#data)) return null
      return { path, stat, zxid: stat.czxid }
    } catch (error) {
      if (isZkError(error, 'ZK_NO_NODE')) return null
      throw error
    }
  }
}

function markOf(style: ProtectionStyle, view: View): string {
  if (style === 'data') return ''
  const digits = hexDigits(view, 32)
  if (style === 'hex') return digits
  // A random UUID (RFC 9562, version 4), since others read these names too.
  const variant = '89ab'.charAt(Number.parseInt(digits.charAt(16), 16) & 3)
  const uuid = `${digits.slice(0, 12)}4${digits.slice(13, 16)}${variant}${digits.slice(17)}`
  const parts = [8, 12, 16, 20, 32].map((end, i, ends) => uuid.slice(ends[i - 1] ?? 0, end))
  return `_c_${parts.join('-')}-`
}

function hexDigits(view: View, count: number): string {
  let digits = ''
  while (digits.length < count) digits += view.driver.platform.random.below(16).toString(16)
  return digits
}

const namesOf = (call: ClientCall): readonly string[] => call.value?.names ?? []

function nothingForNoNode(error: unknown): readonly string[] {
  if (isZkError(error, 'ZK_NO_NODE')) return []
  throw error
}

function ignoreNoNode(error: unknown): void {
  if (!isZkError(error, 'ZK_NO_NODE')) throw error
}

function ignore(): void {}
