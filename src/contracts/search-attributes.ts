import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The step's status, for filtered lists. A Completed step with the value `running` has succeeded. */
export const mcpStepStatus = defineSearchAttributeKey('McpStepStatus', SearchAttributeType.KEYWORD);
export const mcpServerIdAttribute = defineSearchAttributeKey('McpServerId', SearchAttributeType.KEYWORD);
export const mcpUserId = defineSearchAttributeKey('McpUserId', SearchAttributeType.KEYWORD);

export const STEP_SEARCH_ATTRIBUTES = [mcpStepStatus, mcpServerIdAttribute, mcpUserId] as const;

/** The attributes of a step's start. Temporal refuses the start if the namespace does not have them. */
export function stepSearchAttributes({ mcpServerId, userId }: { mcpServerId: string; userId: string }) {
  return [
    { key: mcpStepStatus, value: 'running' },
    { key: mcpServerIdAttribute, value: mcpServerId },
    { key: mcpUserId, value: userId },
  ];
}
