import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 120_000,
    projects: [
      // About this repository itself; needs no servers, so `npm run check` runs it alone.
      { extends: true, test: { name: 'rules', include: ['test/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'core',
          include: ['test/*/**/*.test.ts'],
          exclude: [...configDefaults.exclude, 'test/chaos/**', 'test/browser/**'],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
    ],
  },
});
