import type { ResolveStep } from '../../contracts/messages.ts';
import type { ToolResult } from '../../contracts/step.ts';
import { awaitDecision } from './await-decision.ts';
import { describeTool } from './describe-tool.ts';
import type { Step } from './step.ts';
import { fail, type Reaction, succeed } from './step-outcome.ts';
import { untilAnswered } from './until-answered.ts';
import { waitForServer } from './wait-for-server.ts';

/**
 * The call was sent and no answer came: the tool may have run, or not at all. Repeated only if that is known to
 * be harmless; otherwise a person says what became of it.
 */
export async function resolveLost(step: Step, cause: string): Promise<Reaction> {
  if (step.progress.resolution !== undefined || !(await isSafeToRepeat(step))) return awaitResolution(step);
  // Nothing is left to find out: a new run that this wait may lead to is to call again.
  delete step.progress.lost;
  return waitForServer(step, { cause });
}

// Asked only now: the happy path has no use for it. Servers that are not marked as trusted are not believed.
async function isSafeToRepeat(step: Step): Promise<boolean> {
  const { sideEffects } = step.plan;
  if (sideEffects !== 'auto') return sideEffects !== 'unsafe';
  const described = await untilAnswered(step, () => describeTool(step));
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
    return fail('outcome-unknown', 'nobody said in time whether the tool ran');
  }
  step.record.resume();
  switch (decision.resolution.action) {
    case 'retry':
      return 'try-again';
    case 'succeed':
      return succeed(givenResult(decision.resolution));
    case 'fail':
      return fail(
        'outcome-unknown',
        'no answer came, and the step was given up: the tool may or may not have run',
      );
    default:
      return decision.resolution.action satisfies never;
  }
}

// Clients in other languages send null for a field that is not set.
function givenResult({ result }: ResolveStep): ToolResult {
  const { content, structuredContent } = result ?? {};
  return { content: content ?? [], ...(structuredContent && { structuredContent }) };
}
