import { configDefaults, defineConfig } from 'vitest/config';

// About this repository itself; they need no servers, and `npm run check` runs them alone.
const RULES = [
  'test/dependency-rules.test.ts',
  'test/lockfile.test.ts',
  'test/examples.test.ts',
  'test/deploy/*.test.ts',
  'test/docs/api-pages.test.ts',
  'test/docs/links.test.ts',
  'test/docs/proofs.test.ts',
  'test/docs/versions.test.ts',
  'test/docs/path.test.ts',
  'test/docs/connect-codes.test.ts',
];

/** Whole steps, whole processes, and several of them at once. */
const INTEGRATION = [
  ...['tool-calls', 'integration', 'races', 'agents'].map((folder) => `test/${folder}/**/*.test.ts`),
  // The slowest of the others.
  'test/payloads/encrypted-steps.test.ts',
  'test/operations/forget-user.test.ts',
  'test/dev/embedded/authorization-server.test.ts',
  'test/commands/help.test.ts',
  'test/commands/completion.test.ts',
  'test/http/outages.test.ts',
  'test/http/start.test.ts',
  'test/connect/accounts.test.ts',
];

/** The chart and the image. Their tools are built first, which takes longer than many suites. */
const DEPLOY = ['test/deploy/*.proof.ts'];

const GLOBAL_SETUP = ['test/support/global-setup.ts'];

// It writes into the repository: `npm run replay:record` alone has it, whatever else a run is told to select.
const RECORDER =
  process.env.LATCHKEY_RECORD_HISTORIES === 'on'
    ? [
        {
          extends: true as const,
          test: { name: 'record', include: ['test/replay/record.ts'], globalSetup: GLOBAL_SETUP },
        },
      ]
    : [];

export default defineConfig({
  test: {
    pool: 'forks',
    // A worker runs one file after another in the same modules: importing the SDKs again for each file would cost more
    // than the files' own work. No module of this project has state of its own.
    isolate: false,
    // Most tests wait for servers and timers. More workers import the same modules once more each, which costs more.
    maxWorkers: 4,
    // On CI a failed test is retried once, because a shared machine can exceed a time limit; Vitest reports the retry.
    // These tests are sequential, so a real fault fails twice. Tests of races are never retried (race-runner.ts).
    retry: process.env.CI === 'true' ? 1 : 0,
    runner: './test/support/race-runner.ts',
    // Temporal's SDK repeats calls on timers that outlive a closed connection and throw then, here into the next file.
    onUnhandledError: ({ message }) => (message === 'Channel has been shut down' ? false : undefined),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A machine that is busy with other work answers later than Vitest's default of 1 s.
    expect: { poll: { timeout: 20_000 } },
    projects: [
      { extends: true, test: { name: 'rules', include: RULES } },
      {
        extends: true,
        test: {
          name: 'core',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...RULES, ...INTEGRATION, 'test/openapi/**'],
          globalSetup: GLOBAL_SETUP,
        },
      },
      {
        extends: true,
        test: { name: 'integration', include: INTEGRATION, globalSetup: GLOBAL_SETUP },
      },
      // What needs processes of its own, real time, full tables or large explorations. Each has a fast twin in `core` or `integration`.
      {
        extends: true,
        test: {
          name: 'proofs',
          // They start processes of their own. With four at once, a server of a small machine loses tasks.
          maxWorkers: 3,
          include: ['test/**/*.proof.ts'],
          exclude: [...configDefaults.exclude, ...DEPLOY],
          globalSetup: GLOBAL_SETUP,
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: { name: 'deploy', include: DEPLOY, globalSetup: GLOBAL_SETUP, testTimeout: 120_000 },
      },
      // Agents as a reader runs them: examples installed from the tarball, in processes of their own.
      {
        extends: true,
        test: {
          name: 'agents',
          // They install packages and bundle workflows.
          maxWorkers: 2,
          include: ['test/agents/**/*.agent.ts'],
          globalSetup: GLOBAL_SETUP,
          testTimeout: 480_000,
          hookTimeout: 300_000,
        },
      },
      ...RECORDER,
      {
        extends: true,
        test: { name: 'openapi', include: ['test/openapi/**/*.test.ts'], globalSetup: GLOBAL_SETUP },
      },
      // Pages in the system's Chromium.
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/browser/**/*.browser.ts'],
          globalSetup: [...GLOBAL_SETUP, 'test/browser/global-setup.ts'],
          // Each file starts a Chromium of its own.
          maxWorkers: 2,
        },
      },
      // Every workflow task replays from the start, as it does on a worker that has never seen the step.
      {
        extends: true,
        test: {
          name: 'uncached',
          include: ['test/workflows/**/*.test.ts'],
          globalSetup: GLOBAL_SETUP,
          provide: { maxCachedWorkflows: 0 },
          testTimeout: 120_000,
        },
      },
    ],
  },
});
