import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/compile.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores: each file may start a database of its own.
    maxWorkers: 2,
  },
})
