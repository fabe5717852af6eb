import { expect, test } from 'vitest';
import { workflowBundleOptions } from '../../src/temporal/workflow-bundle-options.ts';

test('the module that leaves out stack traces is loaded first, and not with stack traces', () => {
  const { preloadModules: without } = workflowBundleOptions({ stackTraces: false });
  const { preloadModules: withTraces } = workflowBundleOptions({ stackTraces: true });

  expect(without[0]).toMatch(/\/workflows\/without-stack-traces\.ts$/);
  expect(without.slice(1)).toEqual(withTraces);
});
