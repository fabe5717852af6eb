import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createLatchkeyPlugin } from '../../src/worker-plugin.ts';

const environment = {
  DATABASE_URL: 'postgres://localhost/none',
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
};

test("the plugin has Latchkey's workflows loaded once per Worker, and their set-up once per workflow", () => {
  const { configureBundler } = createLatchkeyPlugin({ environment });
  const options = configureBundler?.({ workflowsPath: '/app/workflows.js', preloadModules: ['/app/own.js'] });

  const [own, ...latchkeys] = options?.preloadModules ?? [];
  expect(own).toBe('/app/own.js');
  expect(latchkeys).toContainEqual(expect.stringMatching(/\/workflows\/all-workflows\.ts$/));
  // These are evaluated for each workflow: they set it up, or hold the state of its run.
  expect(latchkeys).not.toContainEqual(
    expect.stringMatching(/\/workflow\.ts$|\/workflows\/index\.ts$|\/agents\//),
  );
});
