import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // A test takes as long as the machine takes to compute it. None has a deadline of the machine's
    // time but this one, which ends what hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: '100%',
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/left-behind.ts', 'test/contract/setup.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
});
