import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The step's status as lists filter by it. A Completed step still says `running`: that is success. */
export const mcpStepStatus = defineSearchAttributeKey('McpStepStatus', SearchAttributeType.KEYWORD);
export const mcpServerIdAttribute = defineSearchAttributeKey('McpServerId', SearchAttributeType.KEYWORD);
export const mcpUserId = defineSearchAttributeKey('McpUserId', SearchAttributeType.KEYWORD);

export const STEP_SEARCH_ATTRIBUTES = [mcpStepStatus, mcpServerIdAttribute, mcpUserId] as const;

/** What a step's start carries. A namespace where they are not registered refuses it. */
export function stepSearchAttributes({ mcpServerId, userId }: { mcpServerId: string; userId: string }) {
  return [
    { key: mcpStepStatus, value: 'running' },
    { key: mcpServerIdAttribute, value: mcpServerId },
    { key: mcpUserId, value: userId },
  ];
}
