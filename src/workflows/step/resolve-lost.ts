import type { ResolveStep } from '../../contracts/messages.ts';
import type { ToolResult } from '../../contracts/step.ts';
import type { Describe } from './attempts.ts';
import { waitForServer } from './obstacles.ts';
import { awaitDecision } from './pauses.ts';
import { fail, type Reaction, type Step, succeed } from './step.ts';

/**
 * Resolves a call that was sent and not answered: the tool may or may not have run. The step repeats the call only if
 * that is known to be harmless. Otherwise a person decides the outcome.
 */
export async function resolveLost(step: Step, cause: string, describe: Describe): Promise<Reaction> {
  const isPaused = step.progress.resolution !== undefined;
  if (isPaused || !(await isSafeToRepeat(step, describe))) return awaitResolution(step);
  // Deleted before the wait, so that a new run that continues the wait calls again.
  delete step.progress.lost;
  return waitForServer(step, { cause });
}

// Describes the tool only after a call was lost, because other steps don't need it.
async function isSafeToRepeat(step: Step, describe: Describe): Promise<boolean> {
  const { sideEffects } = step.plan;
  if (sideEffects !== 'auto') return sideEffects !== 'unsafe';
  const described = await describe();
  if (described.kind === 'ended') return false;
  const { readOnlyHint, idempotentHint } = described.annotations ?? {};
  return readOnlyHint === true || idempotentHint === true;
}

async function awaitResolution(step: Step): Promise<Reaction> {
  const { progress, plan } = step;
  progress.resolution ??= { deadline: Date.now() + plan.timeoutsMs.resolution };
  const pause = { awaitingInputReason: 'outcome-unknown' } as const;
  const decision = await awaitDecision(step, pause, progress.resolution.deadline);
  delete progress.resolution;
  if (decision?.kind !== 'resolved') {
    return fail('outcome-unknown', 'it was not decided in time whether the tool ran');
  }
  step.record.resume();
  switch (decision.resolution.action) {
    case 'retry':
      return 'try-again';
    case 'succeed':
      return succeed(resultOf(decision.resolution));
    case 'fail':
      return fail(
        'outcome-unknown',
        'no answer arrived, and a person ended the step: the tool may or may not have run',
      );
    default:
      return decision.resolution.action satisfies never;
  }
}

// Clients in other languages send null for an absent field.
function resultOf({ result }: ResolveStep): ToolResult {
  const { content, structuredContent } = result ?? {};
  return { content: content ?? [], ...(structuredContent && { structuredContent }) };
}
