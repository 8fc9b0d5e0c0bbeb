import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/core/**/*.test.ts'],
    setupFiles: ['checks/stryker/setup.ts'],
    // Stryker's counting of covered code makes the code slow, so tests of its speed are left out.
    testNamePattern: /^(?!.*well under a tick)/,
  },
});
