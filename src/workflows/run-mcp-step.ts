import { executeChild, ParentClosePolicy, patched, uuid4 } from '@temporalio/workflow';
import { accountMember } from '../contracts/accounts.ts';
import { describeNumbers, unsendableNumbers } from '../contracts/number-problems.ts';
import { stepSearchAttributes } from '../contracts/search-attributes.ts';
import type { McpStepInput, McpStepResult } from '../contracts/step.ts';
import { MEMO_KEY, stepMemo } from '../contracts/step-memo.ts';
import { stepWorkflowIds } from '../contracts/step-workflow-id.ts';
import { toolAtServer } from '../contracts/summaries.ts';
import { childOfUser, parentCarriesAttributes } from './child-of-user.ts';
import { refuseSecondSdk } from './one-sdk.ts';
import { fail } from './step/step.ts';

// Patches of the calling workflow's history, not of the step's.
const MARKED_HASHES = 'latchkey-marked-hashes-in-workflow-ids';
const REFUSE_INEXACT = 'refuse-numbers-that-are-not-exact';

/** How `runMcpStep` runs its step. */
export interface RunMcpStepOptions {
  /** Default: the input's, or a new UUID. A second step with the same id is refused. */
  stepId?: string;
  /** The task queue of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
  /**
   * Whether to set Latchkey's search attributes. Without them, lists by status and `resolve-many` do not find the
   * step. Set them only if the namespace has them (`latchkey migrate` registers them), because an unknown attribute
   * blocks the calling workflow. Default: whether the calling workflow has one of them.
   */
  searchAttributes?: boolean;
  /**
   * Whether the step goes on when your workflow ends. It is still cancelled with the scope that it runs in. Default:
   * false.
   */
  outlivesParent?: boolean;
}

/**
 * Runs a step as a child of your own workflow, on Latchkey's task queue. It pauses, and is shown and decided over
 * HTTP, like any other step of its user. It is cancelled with the scope that it runs in and with its parent.
 * Arguments with a number that JSON would change return `invalid-arguments` and start no step.
 *
 * @throws Error if the Worker's bundle has two copies of `@temporalio/workflow`
 * @throws ChildWorkflowFailure if it was cancelled (check with `isCancellation`)
 * @throws WorkflowExecutionAlreadyStartedError if the user has, or had, a step with this id
 */
export async function runMcpStep(
  input: McpStepInput,
  options: RunMcpStepOptions = {},
): Promise<McpStepResult> {
  refuseSecondSdk();
  const { taskQueue, searchAttributes = parentCarriesAttributes(), outlivesParent = false } = options;
  const inexact = inexactNumbersProblem(input);
  if (inexact !== undefined) return fail('invalid-arguments', inexact);
  // The default account is left out, so that such a step also runs on a worker that knows no accounts.
  const { account, ...request } = input;
  const stepId = options.stepId ?? input.stepId ?? uuid4();
  const step = { ...request, ...accountMember(account), stepId };
  return executeChild<(input: McpStepInput) => Promise<McpStepResult>>('mcpStep', {
    args: [step],
    ...childOfUser(step.userId, childWorkflowId(step.userId, step.stepId), taskQueue),
    ...(outlivesParent && { parentClosePolicy: ParentClosePolicy.ABANDON }),
    staticSummary: toolAtServer(step),
    memo: { [MEMO_KEY]: stepMemo(step) },
    ...(searchAttributes && { typedSearchAttributes: stepSearchAttributes(step) }),
  });
}

// Older versions started the step with rounded numbers, and a replay of such a history still does.
function inexactNumbersProblem(input: McpStepInput): string | undefined {
  const unsendable = unsendableNumbers(input.arguments, ['arguments']);
  return unsendable.length > 0 && patched(REFUSE_INEXACT) ? describeNumbers(unsendable) : undefined;
}

// A calling workflow that started its step under the former id must use that id again on replay.
function childWorkflowId(userId: string, stepId: string): string {
  const [current = '', former] = stepWorkflowIds(userId, stepId);
  return former === undefined || patched(MARKED_HASHES) ? current : former;
}
