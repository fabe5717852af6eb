/** The workflow types of what is shown as steps: tool calls, and listings of tools that wait for their user. */
const STEP_TYPES = ['mcpStep', 'mcpTools'];

export function isStepType(workflowType: string): boolean {
  return STEP_TYPES.includes(workflowType);
}

/** The condition of a visibility query that finds them. */
export const IS_STEP = `WorkflowType IN (${STEP_TYPES.map((type) => `'${type}'`).join(', ')})`;
