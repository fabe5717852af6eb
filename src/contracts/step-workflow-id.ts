import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';

const MAX_PART_BYTES = 100;

/**
 * The workflow id of a user's step: `step/<userId>/<stepId>`. Both parts are percent-encoded; an encoded
 * part longer than 100 bytes is replaced by its SHA-256 in base64url, so that the id fits into the 255
 * characters that Temporal keeps on a Postgres-backed cluster.
 */
export function stepWorkflowId(userId: string, stepId: string): string {
  return `${stepWorkflowIdPrefix(userId)}${encodePart(stepId)}`;
}

/** What the workflow ids of all of a user's steps begin with. */
export function stepWorkflowIdPrefix(userId: string): string {
  return `step/${encodePart(userId)}/`;
}

const OF_STEP = /^step\/[^/]+\/([A-Za-z0-9._~-]{1,128})$/;

/** The step's part of a workflow id of this form, else the id itself. */
export function stepIdIn(workflowId: string): string {
  return OF_STEP.exec(workflowId)?.[1] ?? workflowId;
}

/** `resume/<userId>/<mcpServerId>/<version>`: one resumption for one deposit, however often it is started. */
export function resumeWorkflowId(userId: string, mcpServerId: string, version: number): string {
  return `resume/${encodePart(userId)}/${encodePart(mcpServerId)}/${version}`;
}

/** `revoke/<userId>/<mcpServerId>/<version>`: the revocation of one disconnected grant. */
export function revokeWorkflowId(userId: string, mcpServerId: string, version: number): string {
  return `revoke/${encodePart(userId)}/${encodePart(mcpServerId)}/${version}`;
}

function encodePart(part: string): string {
  const encoded = percentEncode(part);
  return encoded.length > MAX_PART_BYTES ? base64urlnopad.encode(sha256(utf8ToBytes(encoded))) : encoded;
}

// `'` is left alone by encodeURIComponent and breaks visibility queries such as WorkflowId STARTS_WITH '…'.
function percentEncode(part: string): string {
  return encodeURIComponent(part).replaceAll("'", '%27');
}
