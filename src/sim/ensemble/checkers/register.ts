// One node as a register for the linearizability checker: created, removed, written with or without
// a version to match, and read behind a `sync`.

import type { Sequential } from './linearizability.ts'

export type RegisterOp =
  | {
      readonly kind: 'create'
      readonly value: string
      readonly outcome: 'ok' | 'exists' | 'unknown'
    }
  | {
      readonly kind: 'set'
      readonly value: string
      /** The version to match, -1 for any. */
      readonly expected: number
      readonly outcome: { readonly version: number } | 'bad version' | 'missing' | 'unknown'
    }
  | {
      readonly kind: 'delete'
      readonly expected: number
      readonly outcome: 'ok' | 'bad version' | 'missing' | 'unknown'
    }
  | {
      readonly kind: 'read'
      readonly outcome: { readonly value: string; readonly version: number } | 'missing'
    }

/** Null where there is no node. */
export type Register = { readonly value: string; readonly version: number } | null

type SetOp = Extract<RegisterOp, { kind: 'set' }>
type DeleteOp = Extract<RegisterOp, { kind: 'delete' }>

export const REGISTER: Sequential<Register, RegisterOp> = {
  start: null,
  key: (state) => (state === null ? '-' : `${state.version}:${state.value}`),
  step(state, op) {
    switch (op.kind) {
      case 'create': {
        if (state !== null) return op.outcome === 'ok' ? undefined : state
        return op.outcome === 'exists' ? undefined : { value: op.value, version: 0 }
      }
      case 'set':
        return stepSet(state, op)
      case 'delete':
        return stepDelete(state, op)
      case 'read': {
        const { outcome } = op
        if (outcome === 'missing') return state === null ? state : undefined
        const isShown = state?.value === outcome.value && state.version === outcome.version
        return isShown ? state : undefined
      }
    }
  },
}

function stepSet(state: Register, { value, expected, outcome }: SetOp): Register | undefined {
  if (state === null) return outcome === 'missing' || outcome === 'unknown' ? state : undefined
  const matches = expected === -1 || expected === state.version
  if (!matches) return outcome === 'bad version' || outcome === 'unknown' ? state : undefined
  if (outcome === 'bad version' || outcome === 'missing') return undefined
  const version = state.version + 1
  if (outcome !== 'unknown' && outcome.version !== version) return undefined
  return { value, version }
}

function stepDelete(state: Register, { expected, outcome }: DeleteOp): Register | undefined {
  if (state === null) return outcome === 'missing' || outcome === 'unknown' ? state : undefined
  const matches = expected === -1 || expected === state.version
  if (!matches) return outcome === 'bad version' || outcome === 'unknown' ? state : undefined
  return outcome === 'ok' || outcome === 'unknown' ? null : undefined
}
