import {
  ChildWorkflowCancellationType,
  executeChild,
  ParentClosePolicy,
  patched,
  uuid4,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { STEP_SEARCH_ATTRIBUTES, stepSearchAttributes } from '../../contracts/search-attributes.ts';
import type { McpStepInput, McpStepResult } from '../../contracts/step.ts';
import { MEMO_KEY, stepMemo } from '../../contracts/step-memo.ts';
import { fairnessKey, stepWorkflowIds } from '../../contracts/step-workflow-id.ts';
import { problemOfUnsentNumbers } from './exact-numbers.ts';
import { fail } from './step-outcome.ts';

const MARKED_HASHES = 'latchkey-marked-hashes-in-workflow-ids';

export interface RunMcpStepOptions {
  /** Default: the input's, or one that no other step has. An id runs once: a second step under it is refused. */
  stepId?: string;
  /** Of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
  /**
   * Whether the step carries Latchkey's search attributes, without which lists by status and
   * `resolve-many` do not find it. Only where the namespace has them (`latchkey migrate` registers them): an
   * unknown one keeps the calling workflow from going on. Default: whether that workflow carries one.
   */
  searchAttributes?: boolean;
}

/**
 * Runs a step as a child of one's own workflow, on Latchkey's task queue: with all of its pauses, seen and
 * decided over HTTP as any other step of its user. It is cancelled with the scope that it runs in and with
 * its parent. Arguments with a number that JSON can only change are `invalid-arguments`, and start nothing.
 *
 * @throws ChildWorkflowFailure when it was cancelled (`isCancellation` tells)
 * @throws WorkflowExecutionAlreadyStartedError when the user has, or had, a step with this id
 */
export async function runMcpStep(
  input: McpStepInput,
  options: RunMcpStepOptions = {},
): Promise<McpStepResult> {
  const { taskQueue = 'mcp-steps', searchAttributes = parentCarriesAttributes() } = options;
  const inexact = problemOfUnsentNumbers(input);
  if (inexact !== undefined) return fail('invalid-arguments', inexact);
  const step = { ...input, stepId: options.stepId ?? input.stepId ?? uuid4() };
  return executeChild<(input: McpStepInput) => Promise<McpStepResult>>('mcpStep', {
    args: [step],
    taskQueue,
    workflowId: childWorkflowId(step.userId, step.stepId),
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    memo: { [MEMO_KEY]: stepMemo(step) },
    ...(searchAttributes && { typedSearchAttributes: stepSearchAttributes(step) }),
    priority: { fairnessKey: fairnessKey(step.userId) },
  });
}

// A calling workflow that started its step under the id of before must find that id again when it is replayed.
function childWorkflowId(userId: string, stepId: string): string {
  const [today = '', former] = stepWorkflowIds(userId, stepId);
  return former === undefined || patched(MARKED_HASHES) ? today : former;
}

function parentCarriesAttributes(): boolean {
  const { typedSearchAttributes } = workflowInfo();
  return STEP_SEARCH_ATTRIBUTES.some((key) => typedSearchAttributes.get(key) !== undefined);
}
