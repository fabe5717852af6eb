import { CancellationScope, defaultPayloadConverter } from '@temporalio/workflow';
import { maybeGetActivator } from '@temporalio/workflow/lib/global-attributes.js';
import pkg from '@temporalio/workflow/lib/pkg.js';
import { describeTwoCopies } from '../contracts/two-copies.ts';

/** Its answer names the version of the SDK that runs the workflow. Temporal's CLI and web page use it too. */
const STACK_TRACE_QUERY = '__enhanced_stack_trace';

/**
 * Refuses to go on if the workflow runs on another copy of `@temporalio/workflow` than the one that this file imports.
 * Each copy has a current scope of its own, so a child that is started through the other copy is not cancelled with the
 * scope in which it was started. The scope at the root is of the copy that runs the workflow.
 *
 * Makes no command.
 *
 * @throws Error, which fails the workflow task and not the workflow: Temporal repeats the task, so the workflow goes on
 * as soon as a Worker has one copy
 */
export function refuseSecondSdk(): void {
  if (CancellationScope.current() instanceof CancellationScope) return;
  const copies = { name: '@temporalio/workflow', latchkey: ownVersion(), worker: runningVersion() };
  throw new Error(describeTwoCopies(copies));
}

// Of a CommonJS module, Node imports all exports as the default one; webpack does so for JavaScript, not for TypeScript.
function ownVersion(): string {
  const manifest: { version: string } = 'default' in pkg ? pkg.default : pkg;
  return manifest.version;
}

function runningVersion(): string | undefined {
  try {
    const answer = maybeGetActivator()?.queryHandlers.get(STACK_TRACE_QUERY)?.handler() as RawAnswer;
    return defaultPayloadConverter.fromPayload<{ sdk: { version: string } }>(answer.payload).sdk.version;
  } catch {
    // The other version answers this query in another way.
    return undefined;
  }
}

/** The SDK answers this query with a `RawValue`. */
interface RawAnswer {
  payload: Parameters<typeof defaultPayloadConverter.fromPayload>[0];
}
