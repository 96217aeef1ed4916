import { describe, expect, it } from 'vitest'
import { ERRORS, ErrorCode } from '../core/records/errors.ts'
import { OpCode } from '../core/records/opcodes.ts'
import { Call, type CallFailure } from '../core/session-client/call.ts'
import { errorOfCall } from './error-of-call.ts'
import { ServerError, ZkError, isZkError } from './errors.ts'

const context = { path: '/a', sessionId: 7n, server: 'host:1', abortReason: 'why' }

function refused(op: OpCode, error: number, sends = 1): ZkError {
  const call = new Call<null, null>(op, '/chroot/a', null)
  call.error = error
  call.sends = sends
  return errorOfCall(call, context)
}

function failed(op: OpCode, failure: CallFailure, sends: number): ZkError {
  const call = new Call<null, null>(op, '/chroot/a', null)
  call.failure = failure
  call.detail = 'details'
  call.sends = sends
  return errorOfCall(call, context)
}

describe('every code that a server sends', () => {
  const sent = ERRORS.filter(({ code, clientVisible }) => clientVisible && code !== ErrorCode.Ok)

  it.each(sent.map(({ code, name }) => [name, code] as const))(
    '%s has an error of its own',
    (_, code) => {
      const error = refused(OpCode.setData, code)
      expect(error).toBeInstanceOf(ZkError)
      expect(error.errno).toBe(code)
      expect(error.code).toMatch(/^ZK_[A-Z_]+$/)
      expect(error.code).not.toContain('UNKNOWN_1')
      expect(error.path).toBe('/a')
      expect(error.message).toContain('setData /a: ')
    },
  )

  it('has a code that no other has', () => {
    const codes = sent.map(({ code }) => refused(OpCode.setData, code).code)
    expect(new Set(codes).size).toBe(codes.length)
  })

  it('is an error even where nobody knows it', () => {
    const error = refused(OpCode.getData, -4_711)
    expect(error).toBeInstanceOf(ServerError)
    expect(error).toMatchObject({ code: 'ZK_UNKNOWN_4711', errno: -4_711, outcome: 'unknown' })
  })
})

describe('whether a write happened', () => {
  it.each([
    ['connection-loss', 1, 'unknown', 'after-check'],
    ['timeout', 1, 'unknown', 'after-check'],
    ['timeout', 0, 'not-applied', 'safe'],
    ['aborted', 1, 'unknown', 'after-check'],
    ['aborted', 0, 'not-applied', 'after-check'],
    ['session-lost', 0, 'not-applied', 'new-session'],
    ['closed', 1, 'unknown', 'never'],
    ['closed', 0, 'not-applied', 'never'],
    ['queue-full', 0, 'not-applied', 'safe'],
    ['too-large', 0, 'not-applied', 'never'],
    ['protocol', 1, 'unknown', 'never'],
  ] as const)('after %s, sent %i times, is %s', (failure, sends, outcome, retry) => {
    expect(failed(OpCode.create2, failure, sends)).toMatchObject({ outcome, retry, op: 'create' })
  })

  it('is no question for a read', () => {
    expect(failed(OpCode.getData, 'connection-loss', 3)).toMatchObject({
      outcome: 'not-applied',
      retry: 'safe',
    })
  })

  it('is known after a refusal, unless it was sent twice', () => {
    expect(refused(OpCode.delete, ErrorCode.NoNode, 1).outcome).toBe('not-applied')
    expect(refused(OpCode.delete, ErrorCode.NoNode, 2).outcome).toBe('unknown')
  })
})

describe('an error', () => {
  it('is recognised by its code and across copies of the library', () => {
    const error = refused(OpCode.getData, ErrorCode.NoNode)
    expect(isZkError(error)).toBe(true)
    expect(isZkError(error, 'ZK_NO_NODE')).toBe(true)
    expect(isZkError(error, 'ZK_NO_AUTH')).toBe(false)
    expect(isZkError(new Error('ZK_NO_NODE'))).toBe(false)
    expect(isZkError(null)).toBe(false)
    const foreign = Object.assign(new Error('x'), {
      [Symbol.for('zabra.ZkError')]: true,
      code: 'ZK_X',
    })
    expect(isZkError(foreign, 'ZK_X')).toBe(true)
  })

  it('of an abort carries the reason as its cause', () => {
    expect(failed(OpCode.create2, 'aborted', 0).cause).toBe('why')
  })

  it('of a ttl that the servers do not allow says what to do', () => {
    expect(refused(OpCode.createTTL, ErrorCode.Unimplemented).message).toContain(
      'extendedTypesEnabled',
    )
  })
})
