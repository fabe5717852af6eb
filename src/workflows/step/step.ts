import type { McpStepInput } from '../../contracts/step.ts';
import type { CredentialWatch } from './credential-watch.ts';
import type { Decisions } from './decisions.ts';
import type { StepPlan } from './step-input.ts';
import type { StepProgress } from './step-progress.ts';
import type { StepRecord } from './step-record.ts';

/** A step under way. */
export interface Step {
  input: McpStepInput;
  plan: StepPlan;
  record: StepRecord;
  credential: CredentialWatch;
  decisions: Decisions;
  progress: StepProgress;
}
