// The public entry `zabra/testkit`: a real server inside the process of a test.

export { startTestServer, TestServer } from './test-server.ts'
export type { TestServerOptions } from './test-server.ts'
