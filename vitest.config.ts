import { defineConfig } from 'vitest/config'

import type { ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: ['test/e2e/**', '**/node_modules/**'],
    pool: 'threads',
    // Machines may be small and busy; what is slow is named `.slow.test.ts` and says so itself.
    testTimeout: 20_000,
  },
})

export default config
