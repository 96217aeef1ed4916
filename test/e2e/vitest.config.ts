import { defineConfig } from 'vitest/config'
import type { ViteUserConfig } from 'vitest/config'

/** Real processes, sockets and disks; one file after the other, since machines may be small. */
const config: ViteUserConfig = defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['**/*.e2e.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
})

export default config
