import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Tests may run on slow machines, so this is their only deadline in real time. It ends a test
    // that hangs.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: '100%',
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/left-behind.ts', 'test/contract/setup.ts'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
});
