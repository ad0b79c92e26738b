import { defineConfig } from 'vitest/config'

// Four rooms. Units and contracts run side by side, and so do simulated swarms: two at a time, since all of their time is work.
// End-to-end tests (real sockets, real clients) mostly wait for those, so two of them go on beside each other as well; those that
// measure a rate, or fill the machine, have it to themselves.
const ALONE = ['crowd', 'failing-disk', 'demo', 'faults'].map((name) => `tests/end-to-end/${name}.test.ts`)

const endToEnd = { testTimeout: 180_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    reporters: ['default', './tests/reporter.ts'],
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'tests/*.test.ts', 'tests/contracts/**/*.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'scenarios',
          include: ['tests/scenarios/**/*.test.ts'],
          testTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'end-to-end',
          include: ['tests/end-to-end/**/*.test.ts'],
          exclude: ALONE,
          sequence: { groupOrder: 1 },
          ...endToEnd,
        },
      },
      {
        test: {
          name: 'alone',
          include: ALONE,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...endToEnd,
        },
      },
    ],
  },
})
