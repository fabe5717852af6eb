import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';

const MAX_PART_BYTES = 100;
/** No percent-encoded part can hold it, so a hash is never taken for an id. */
const HASH_MARK = '%~';

/**
 * The workflow id of a user's step: `step/<userId>/<stepId>`. Both parts are percent-encoded; an encoded
 * part longer than 100 bytes is replaced by `%~` and its SHA-256 in base64url, so that the id fits into the 255
 * characters that Temporal keeps on a Postgres-backed cluster.
 */
export function stepWorkflowId(userId: string, stepId: string): string {
  return `step/${markedPart(userId)}/${markedPart(stepId)}`;
}

/**
 * Every workflow id that a user's step may have: the one that it is started with, then the one of before, whose
 * hashes carry no mark.
 */
export function stepWorkflowIds(userId: string, stepId: string): string[] {
  return [...new Set([stepWorkflowId(userId, stepId), `step/${encodePart(userId)}/${encodePart(stepId)}`])];
}

/** What the workflow ids of all of a user's steps begin with: one prefix, or two where the user's part is hashed. */
export function stepWorkflowIdPrefixes(userId: string): string[] {
  return [...new Set([`step/${markedPart(userId)}/`, `step/${encodePart(userId)}/`])];
}

/** What a part of before looks like that is a hash, or an id that was chosen to look like one. */
const MAY_BE_HASH = /^[A-Za-z0-9_-]{43}$/;

/**
 * Whether a workflow id alone says that a step is the user's, character by character. A part that may be the hash of
 * another's long id says nothing: it takes the step's memo, attribute or input to tell.
 */
export function isPlainlyOf(workflowId: string, userId: string): boolean {
  const part = markedPart(userId);
  return !MAY_BE_HASH.test(part) && workflowId.startsWith(`step/${part}/`);
}

const STEP_ID = /^[A-Za-z0-9._~-]{1,128}$/;

export function isStepId(value: unknown): value is string {
  return typeof value === 'string' && STEP_ID.test(value);
}

/** The step id that a workflow id of the form `step/<userId>/<stepId>` says; a hash says none. */
export function stepIdIn(workflowId: string): string | undefined {
  const stepId = decodedPart(partsOf(workflowId)?.step ?? '');
  return isStepId(stepId) ? stepId : undefined;
}

/**
 * How an input differs from a workflow id of the form `step/<userId>/<stepId>`, however that is encoded. An id of
 * another form says nothing.
 */
export function workflowIdProblems(
  workflowId: string,
  { userId, stepId }: { userId: string; stepId: unknown },
): string[] {
  const parts = partsOf(workflowId);
  if (parts === undefined) return [];
  const ofUser = standsFor(parts.user, userId) ? [] : ['userId is not the user that the workflow id names'];
  if (stepId === undefined || stepId === null) {
    const isHash = parts.step.startsWith(HASH_MARK);
    return isHash ? [...ofUser, 'stepId is required: the workflow id holds its hash'] : ofUser;
  }
  // One that is no step id is told as that alone.
  return !isStepId(stepId) || standsFor(parts.step, stepId)
    ? ofUser
    : [...ofUser, 'stepId is not the step that the workflow id names'];
}

function partsOf(workflowId: string): { user: string; step: string } | undefined {
  const [kind, user, step, ...more] = workflowId.split('/');
  return kind === 'step' && user && step && more.length === 0 ? { user, step } : undefined;
}

function standsFor(part: string, id: string): boolean {
  return part === markedPart(id) || part === encodePart(id) || decodedPart(part) === id;
}

function decodedPart(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    // A hash with its mark, or no encoding at all.
    return undefined;
  }
}

/** `resume/<userId>/<mcpServerId>/<version>`: one resumption for one deposit, however often it is started. */
export function resumeWorkflowId(userId: string, mcpServerId: string, version: number): string {
  return `resume/${markedPart(userId)}/${markedPart(mcpServerId)}/${version}`;
}

/** `revoke/<userId>/<mcpServerId>/<version>`: the revocation of one disconnected grant. */
export function revokeWorkflowId(userId: string, mcpServerId: string, version: number): string {
  return `revoke/${markedPart(userId)}/${markedPart(mcpServerId)}/${version}`;
}

/** Every id that the revocation may have: also the one of before, whose hashes carry no mark. */
export function revokeWorkflowIds(userId: string, mcpServerId: string, version: number): string[] {
  const former = `revoke/${encodePart(userId)}/${encodePart(mcpServerId)}/${version}`;
  return [...new Set([revokeWorkflowId(userId, mcpServerId, version), former])];
}

function markedPart(part: string): string {
  const encoded = percentEncode(part);
  return encoded.length > MAX_PART_BYTES ? `${HASH_MARK}${hashOf(encoded)}` : encoded;
}

// Its hashes carry no mark: a user whose id is such a hash shares it.
function encodePart(part: string): string {
  const encoded = percentEncode(part);
  return encoded.length > MAX_PART_BYTES ? hashOf(encoded) : encoded;
}

function hashOf(encoded: string): string {
  return base64urlnopad.encode(sha256(utf8ToBytes(encoded)));
}

// `'` is left alone by encodeURIComponent and breaks visibility queries such as WorkflowId STARTS_WITH '…'.
function percentEncode(part: string): string {
  return encodeURIComponent(part).replaceAll("'", '%27');
}
