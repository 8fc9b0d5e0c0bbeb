import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Whole lives of clusters over real HTTP take seconds; nothing here waits for the wall clock.
    testTimeout: 30_000,
    maxWorkers: '100%',
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/left-behind.ts', 'test/contract/setup.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
});
