// The public entry `zabra/testkit`: a real server inside the process of a test.

export { startTestServer, TestServer } from './test-server.ts'
export type { TestServerOptions } from './test-server.ts'
export { startTestEnsemble, TestEnsemble } from './test-ensemble.ts'
export type { TestEnsembleOptions } from './test-ensemble.ts'
export { TestMember } from './test-member.ts'
export type { MemberRole } from './test-member.ts'
