import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/e2e/**', '**/node_modules/**'],
    pool: 'threads',
    // Files share the modules of their thread: loading them anew for each of 130 files took two fifths
    // of the time. No module keeps state that a test could leave behind for the next one.
    isolate: false,
    // Not a few tests wait for a socket or a clock; left to itself, vitest takes one processor less.
    maxWorkers: availableParallelism() + 1,
    // Machines may be small and busy; what is slow is named `.slow.test.ts` and says so itself.
    testTimeout: 20_000,
  },
})

export default config
