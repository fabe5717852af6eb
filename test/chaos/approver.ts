import type { StepView } from '../../src/contracts/step.ts';
import type { DemoMcpServer } from '../../src/dev/embedded/mcp-server.ts';
import type { PersistentCaller } from './persistent-caller.ts';
import type { Random } from './random.ts';
import { runsOfSteps, type StepLedger } from './step-ledger.ts';

/** Decides on a user's waiting steps as a person would who has looked at the tool's own records. */
export interface Approver {
  decideFor(userId: string): Promise<void>;
}

/** People take a while: by then a call that was under way has run, or never will. */
const DECIDES_AFTER_MS = 4_000;

export function createApprover(deps: {
  caller: PersistentCaller;
  stepLedger: StepLedger;
  mcpServer: DemoMcpServer;
  random: Random;
}): Approver {
  const { caller, stepLedger, mcpServer, random } = deps;

  async function resolve(userId: string, { stepId }: StepView): Promise<void> {
    const hasRun = runsOfSteps(mcpServer.calls()).has(stepId);
    const givesUp = !hasRun && random.chance(0.2);
    if (givesUp) stepLedger.givenUp(stepId);
    const action = hasRun ? 'succeed' : givesUp ? 'fail' : 'retry';
    await caller.askOnce(userId, `POST /steps/${stepId}/resolve`, { action });
  }

  // Once is enough: what is not answered now is still there at the next look.
  async function decide(userId: string, step: StepView): Promise<void> {
    if (step.awaitingInputReason === 'needs-approval') {
      await caller.askOnce(userId, `POST /steps/${step.stepId}/approve`, {});
    }
    const since = Date.now() - Date.parse(step.updatedAt);
    if (step.awaitingInputReason === 'outcome-unknown' && since > DECIDES_AFTER_MS) {
      await resolve(userId, step);
    }
  }

  return {
    async decideFor(userId) {
      const answer = await caller.askOnce(userId, 'GET /steps?status=awaiting-input&limit=100');
      if (answer?.status !== 200) return;
      // The cast trusts our own API's contract.
      const { steps } = answer.body as { steps: StepView[] };
      await Promise.all(steps.map((step) => decide(userId, step)));
    },
  };
}
