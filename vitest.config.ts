import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Tests run the TypeScript sources of the workspace packages, not their builds.
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'apps/*/test/**/*.test.ts'],
    globalSetup: ['testing/global-setup.ts'],
    // Machines are shared and noisy: a generous ceiling, and no test asserts a wall-clock time.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    pool: 'forks',
    maxWorkers: 2,
  },
})
