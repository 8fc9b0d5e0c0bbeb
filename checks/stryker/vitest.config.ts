import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/unit/core/**/*.test.ts'],
    setupFiles: ['checks/stryker/setup.ts'],
    // Code that counts where it is covered is slow, which says nothing of the code itself.
    testNamePattern: /^(?!.*well under a tick)/,
  },
});
