import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Real sockets, processes and browsers on a busy machine: what fails in CI is run once more, and listed as such.
    retry: process.env['CI'] === undefined ? 0 : 1,
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text-summary', 'json-summary'], reportsDirectory: 'coverage' },
  },
});
