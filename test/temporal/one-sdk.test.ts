import { expect, test } from 'vitest';
import { describeTwoCopies } from '../../src/contracts/two-copies.ts';
import { connectionProblem, sdkVersion, sharedPackageProblem } from '../../src/temporal/one-sdk.ts';

test('one copy of every package is no problem', () => {
  expect(sharedPackageProblem()).toBeUndefined();
});

test('a connection of another copy of the Worker is refused, with the version of ours', () => {
  // Stands for an instance of a class that another copy of the module defines.
  const foreign = new (class NativeConnection {})();

  expect(sdkVersion()).toMatch(/^1\.\d+\.\d+$/);
  expect(connectionProblem(foreign)).toContain(
    `two copies of @temporalio/worker: Latchkey imports ${sdkVersion()}, the Worker has another version`,
  );
});

test('the refusal names both versions and what to do', () => {
  const refusal = describeTwoCopies({ name: '@temporalio/workflow', latchkey: '1.24.0', worker: '1.23.0' });

  expect(refusal).toContain('Latchkey imports 1.24.0, the Worker has 1.23.0');
  expect(refusal).toContain('`npm ls @temporalio/workflow`');
  expect(refusal).toContain('`npm dedupe`');
});
