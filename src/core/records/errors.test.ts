import { expect, test } from 'vitest'

import { ERRORS, errorFacts, errorName } from './errors.ts'

// ZooKeeper 3.9 `KeeperException.Code`. `again` marks what may succeed when it is simply sent
// again, `local` what no server sends.
const TABLE = [
  [0, 'Ok', ''],
  [-1, 'SystemError', 'local'],
  [-2, 'RuntimeInconsistency', ''],
  [-3, 'DataInconsistency', 'local'],
  [-4, 'ConnectionLoss', 'again local'],
  [-5, 'MarshallingError', ''],
  [-6, 'Unimplemented', ''],
  [-7, 'OperationTimeout', 'again local'],
  [-8, 'BadArguments', ''],
  [-12, 'UnknownSession', 'local'],
  [-13, 'NewConfigNoQuorum', 'again'],
  [-14, 'ReconfigInProgress', 'again'],
  [-100, 'APIError', 'local'],
  [-101, 'NoNode', ''],
  [-102, 'NoAuth', ''],
  [-103, 'BadVersion', ''],
  [-108, 'NoChildrenForEphemerals', ''],
  [-110, 'NodeExists', ''],
  [-111, 'NotEmpty', ''],
  [-112, 'SessionExpired', ''],
  [-113, 'InvalidCallback', 'local'],
  [-114, 'InvalidACL', ''],
  [-115, 'AuthFailed', ''],
  [-118, 'SessionMoved', 'local'],
  [-119, 'NotReadOnly', ''],
  [-120, 'EphemeralOnLocalSession', ''],
  [-121, 'NoWatcher', ''],
  [-122, 'RequestTimeout', 'again local'],
  [-123, 'ReconfigDisabled', ''],
  [-124, 'SessionClosedRequireSaslAuth', ''],
  [-125, 'QuotaExceeded', ''],
  [-127, 'ThrottledOp', 'again'],
] as const

test('the table of errors is the protocol’s', () => {
  expect(
    ERRORS.map(({ code, name, retryable, clientVisible }) => [
      code,
      name,
      [retryable ? 'again' : '', clientVisible ? '' : 'local'].filter(Boolean).join(' '),
    ]),
  ).toEqual(TABLE)
})

test.each(TABLE)('code %i is called %s', (code, name) => {
  expect(errorName(code)).toBe(name)
  expect(errorFacts(code)?.name).toBe(name)
})

test.each([-9, -10, -11, -104, -109, -116, -117, -126, 1])(
  'nobody assigned %i, and nothing breaks when it comes',
  (code) => {
    expect(errorFacts(code)).toBeUndefined()
    expect(errorName(code)).toBe(`error ${code}`)
  },
)
