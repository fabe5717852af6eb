import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The step's status as lists filter by it. A Completed step still says `running`: that is success. */
export const mcpStepStatus = defineSearchAttributeKey('McpStepStatus', SearchAttributeType.KEYWORD);
export const mcpServerIdAttribute = defineSearchAttributeKey('McpServerId', SearchAttributeType.KEYWORD);
export const mcpUserId = defineSearchAttributeKey('McpUserId', SearchAttributeType.KEYWORD);

export const STEP_SEARCH_ATTRIBUTES = [mcpStepStatus, mcpServerIdAttribute, mcpUserId] as const;
