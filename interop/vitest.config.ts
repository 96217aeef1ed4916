import { defineConfig } from 'vitest/config'

// One file after the other: each starts servers and JVMs of its own, and machines here are small.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.interop.test.ts'],
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
  },
})
