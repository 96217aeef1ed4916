import { describe, expect, it } from 'vitest'

import { Prng } from '../../../base/prng.ts'
import { type Operation, checkLinearizable } from './linearizability.ts'
import { REGISTER, type Register, type RegisterOp } from './register.ts'

const op = (beganAt: number, endedAt: number, of: RegisterOp): Operation<RegisterOp> => ({
  op: of,
  beganAt,
  endedAt,
})
const create = (value: string): RegisterOp => ({ kind: 'create', value, outcome: 'ok' })
const read = (value: string, version: number): RegisterOp => ({
  kind: 'read',
  outcome: { value, version },
})
const missing: RegisterOp = { kind: 'read', outcome: 'missing' }
const set = (value: string, version: number, expected = -1): RegisterOp => ({
  kind: 'set',
  value,
  expected,
  outcome: { version },
})
const lostSet = (value: string, expected = -1): RegisterOp => ({
  kind: 'set',
  value,
  expected,
  outcome: 'unknown',
})
const NEVER = Number.POSITIVE_INFINITY
const verdict = (...operations: Operation<RegisterOp>[]) => checkLinearizable(REGISTER, operations)

describe('a history of a register is linearizable', () => {
  it('when it is empty', () => {
    expect(verdict()).toBe('linearizable')
  })

  it('when operations that overlap can be put in some order', () => {
    expect(verdict(op(1, 10, create('a')), op(2, 3, missing), op(4, 5, read('a', 0)))).toBe(
      'linearizable',
    )
  })

  it('when a lost write is seen at last, or never', () => {
    const lost = op(3, NEVER, lostSet('b'))
    const before = [op(1, 2, create('a')), lost]
    expect(verdict(...before, op(4, 5, read('a', 0)), op(6, 7, read('b', 1)))).toBe('linearizable')
    expect(verdict(...before, op(4, 5, read('a', 0)), op(6, 7, read('a', 0)))).toBe('linearizable')
  })

  it('when of two conditional writes one is refused', () => {
    const refused: RegisterOp = { kind: 'set', value: 'c', expected: 0, outcome: 'bad version' }
    expect(verdict(op(1, 2, create('a')), op(3, 9, refused), op(4, 8, set('b', 1, 0)))).toBe(
      'linearizable',
    )
  })
})

describe('a history of a register is not linearizable', () => {
  it('when a read shows what was overwritten before it began', () => {
    expect(verdict(op(1, 2, create('a')), op(3, 4, set('b', 1)), op(5, 6, read('a', 0)))).toBe(
      'not linearizable',
    )
  })

  it('when a lost write is seen and then gone', () => {
    expect(
      verdict(
        op(1, 2, create('a')),
        op(3, NEVER, lostSet('b')),
        op(4, 5, read('b', 1)),
        op(6, 7, read('a', 0)),
      ),
    ).toBe('not linearizable')
  })

  it('when both of two writes on one condition succeed', () => {
    expect(verdict(op(1, 2, create('a')), op(3, 9, set('b', 1, 0)), op(4, 8, set('c', 1, 0)))).toBe(
      'not linearizable',
    )
  })

  it('when something is seen that nobody wrote', () => {
    expect(verdict(op(1, 2, read('a', 0)))).toBe('not linearizable')
  })
})

describe('the search', () => {
  it('accepts every history that one copy has produced, however its operations overlap', () => {
    for (let seed = 1; seed <= 200; seed++) {
      expect(checkLinearizable(REGISTER, historyOfOneCopy(new Prng(seed), 30)), `${seed}`).toBe(
        'linearizable',
      )
    }
  })

  it('gives up where a history is too hard', () => {
    const many = Array.from({ length: 14 }, (_, i) => op(1, NEVER, lostSet(`v${i}`)))
    const after = [op(0, 0.5, create('a')), ...many, op(2, 3, read('nobody wrote this', 3))]
    expect(checkLinearizable(REGISTER, after, 1_000)).toBe('undecided')
  })
})

/** Operations that take effect at a point between their beginning and their end. */
function historyOfOneCopy(random: Prng, count: number): Operation<RegisterOp>[] {
  let state: Register = null
  return Array.from({ length: count }, (_, at) => {
    const isLost = random.chance(0.2)
    const expected = random.pick([-1, -1, state?.version ?? 0, 7])
    const value = `v${at}`
    const of = drawOp(random, state, value, expected, isLost)
    const after: Register | undefined = REGISTER.step(state, of)
    if (after !== undefined && (!isLost || random.chance(0.5))) state = after
    return op(at - random.below(40) / 10, isLost ? NEVER : at + 0.1 + random.below(40) / 10, of)
  })
}

function drawOp(
  random: Prng,
  state: Register,
  value: string,
  expected: number,
  isLost: boolean,
): RegisterOp {
  const matches = state !== null && (expected === -1 || expected === state.version)
  const refusal = state === null ? 'missing' : 'bad version'
  switch (random.below(isLost ? 3 : 4)) {
    case 0:
      return {
        kind: 'create',
        value,
        outcome: isLost ? 'unknown' : state === null ? 'ok' : 'exists',
      }
    case 1: {
      const outcome = matches ? { version: (state?.version ?? 0) + 1 } : refusal
      return { kind: 'set', value, expected, outcome: isLost ? 'unknown' : outcome }
    }
    case 2: {
      const outcome = matches ? 'ok' : refusal
      return { kind: 'delete', expected, outcome: isLost ? 'unknown' : outcome }
    }
    default:
      return { kind: 'read', outcome: state === null ? 'missing' : { ...state } }
  }
}
