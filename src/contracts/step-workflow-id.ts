/** Workflow ids of steps and of the workflows around credentials, and the fairness key of a step's user. */
import { sha256 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { base64urlnopad } from '@scure/base';
import { accountMember } from './accounts.ts';
import type { CredentialKey } from './activities.ts';
import type { ServerResumption } from './background-activities.ts';

const MAX_PART_BYTES = 100;
/** Temporal's limit. */
const MAX_FAIRNESS_KEY_BYTES = 64;
/** Percent-encoding never yields these characters, so that a hash can't be mistaken for an id. */
const HASH_MARK = '%~';

/**
 * Returns the workflow id of a user's step: `step/<userId>/<stepId>`. Both parts are percent-encoded. An encoded part
 * longer than 100 bytes is replaced by `%~` and its SHA-256 in base64url, so that the id fits into the 255 characters
 * that Temporal stores on a Postgres-backed cluster.
 */
export function stepWorkflowId(userId: string, stepId: string): string {
  return `step/${markedPart(userId)}/${markedPart(stepId)}`;
}

/**
 * Returns the workflow id of a listing of tools. One that waits for its user has the id of a step, because lists show it
 * like a step. Any other ends within minutes and is not shown: `tools/<userId>/<listId>`.
 */
export function listingWorkflowId(
  { userId, waitUntilConnected }: { userId: string; waitUntilConnected?: boolean },
  listId: string,
): string {
  if (waitUntilConnected) return stepWorkflowId(userId, listId);
  return `${listingWorkflowIdPrefix(userId)}${markedPart(listId)}`;
}

/** Returns the prefix of the workflow ids of a user's listings that do not wait. */
export function listingWorkflowIdPrefix(userId: string): string {
  return `tools/${markedPart(userId)}/`;
}

/**
 * Returns every workflow id that a user's step may have: the current form first, then the form of older versions,
 * whose hashes have no mark.
 */
export function stepWorkflowIds(userId: string, stepId: string): string[] {
  return [...new Set([stepWorkflowId(userId, stepId), `step/${encodePart(userId)}/${encodePart(stepId)}`])];
}

/** Returns the prefixes of all workflow ids of a user's steps: one, or two if the user's part is hashed. */
export function stepWorkflowIdPrefixes(userId: string): string[] {
  return [...new Set([`step/${markedPart(userId)}/`, `step/${encodePart(userId)}/`])];
}

/** Matches an unmarked hash of an older version, or an id that was chosen to look like one. */
const MAY_BE_HASH = /^[A-Za-z0-9_-]{43}$/;

/**
 * Whether a workflow id alone proves that a step is the user's. A part that may be the hash of another user's long id
 * proves nothing: then the step's memo, attribute or input decides.
 */
export function isPlainlyOf(workflowId: string, userId: string): boolean {
  const part = markedPart(userId);
  return !MAY_BE_HASH.test(part) && workflowId.startsWith(`step/${part}/`);
}

const STEP_ID = /^[A-Za-z0-9._~-]{1,128}$/;

export function isStepId(value: unknown): value is string {
  return typeof value === 'string' && STEP_ID.test(value);
}

/** Reads the step id from a workflow id of the form `step/<userId>/<stepId>`; undefined if it is hashed. */
export function stepIdIn(workflowId: string): string | undefined {
  const stepId = decodedPart(partsOf(workflowId)?.step ?? '');
  return isStepId(stepId) ? stepId : undefined;
}

/**
 * Lists where an input contradicts a workflow id of the form `step/<userId>/<stepId>`, in any encoding. An id of
 * another form contradicts nothing.
 */
export function workflowIdProblems(
  workflowId: string,
  { userId, stepId }: { userId: string; stepId: unknown },
): string[] {
  const parts = partsOf(workflowId);
  if (parts === undefined) return [];
  const ofUser = userProblems(parts.user, userId);
  if (stepId === undefined || stepId === null) {
    const isHash = parts.step.startsWith(HASH_MARK);
    return isHash ? [...ofUser, 'stepId is required: the workflow id holds its hash'] : ofUser;
  }
  // An invalid step id is reported elsewhere.
  return !isStepId(stepId) || isEncodingOf(parts.step, stepId)
    ? ofUser
    : [...ofUser, 'stepId is not the step that the workflow id names'];
}

/**
 * Lists where a listing's user contradicts a workflow id of the form `tools/<userId>/<listId>`, in any encoding. An id
 * of another form contradicts nothing.
 */
export function listingWorkflowIdProblems(workflowId: string, userId: string): string[] {
  const parts = partsOf(workflowId, 'tools');
  return parts === undefined ? [] : userProblems(parts.user, userId);
}

function userProblems(part: string, userId: string): string[] {
  return isEncodingOf(part, userId) ? [] : ['userId is not the user that the workflow id names'];
}

function partsOf(workflowId: string, form = 'step'): { user: string; step: string } | undefined {
  const [kind, user, step, ...more] = workflowId.split('/');
  return kind === form && user && step && more.length === 0 ? { user, step } : undefined;
}

function isEncodingOf(part: string, id: string): boolean {
  return part === markedPart(id) || part === encodePart(id) || decodedPart(part) === id;
}

function decodedPart(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    // A marked hash, or not percent-encoded.
    return undefined;
  }
}

/**
 * `resume/<userId>/<mcpServerId>/<version>`, and `/<account>` for another account than `default`: a deposit has one
 * resumption, however often it is started.
 */
export function resumeWorkflowId(key: CredentialKey, version: number): string {
  return `resume/${markedPart(key.userId)}/${markedPart(key.mcpServerId)}/${version}${accountPart(key)}`;
}

/** `resume-server/<mcpServerId>/<resumption>`: the end of a server's pause is told once. */
export function resumeServerWorkflowId({ mcpServerId, resumption }: ServerResumption): string {
  return `resume-server/${markedPart(mcpServerId)}/${resumption}`;
}

/** `revoke/<userId>/<mcpServerId>/<version>`, and `/<account>` as above: the revocation of one disconnected grant. */
export function revokeWorkflowId(key: CredentialKey, version: number): string {
  return `revoke/${markedPart(key.userId)}/${markedPart(key.mcpServerId)}/${version}${accountPart(key)}`;
}

/** Returns every id that the revocation may have, including the form of older versions. */
export function revokeWorkflowIds(key: CredentialKey, version: number): string[] {
  const current = revokeWorkflowId(key, version);
  // Older versions knew no other account.
  if (accountPart(key) !== '') return [current];
  return [
    ...new Set([current, `revoke/${encodePart(key.userId)}/${encodePart(key.mcpServerId)}/${version}`]),
  ];
}

function accountPart(key: CredentialKey): string {
  const { account } = accountMember(key.account);
  return account === undefined ? '' : `/${markedPart(account)}`;
}

/**
 * Returns the fairness key of a user's steps, so that one user's thousand steps do not delay another user's one. An id
 * that begins like a hash is hashed too, so that no two users share a key.
 */
export function fairnessKey(userId: string): string {
  const isShort = utf8ToBytes(userId).length <= MAX_FAIRNESS_KEY_BYTES;
  return isShort && !userId.startsWith(HASH_MARK) ? userId : `${HASH_MARK}${hashOf(userId)}`;
}

function markedPart(part: string): string {
  const encoded = percentEncode(part);
  return encoded.length > MAX_PART_BYTES ? `${HASH_MARK}${hashOf(encoded)}` : encoded;
}

// The form of older versions. Its hashes have no mark, so that a user whose id looks like a hash may share it.
function encodePart(part: string): string {
  const encoded = percentEncode(part);
  return encoded.length > MAX_PART_BYTES ? hashOf(encoded) : encoded;
}

function hashOf(text: string): string {
  return base64urlnopad.encode(sha256(utf8ToBytes(text)));
}

// encodeURIComponent keeps `'`, which would break visibility queries such as WorkflowId STARTS_WITH '…'.
function percentEncode(part: string): string {
  return encodeURIComponent(part).replaceAll("'", '%27');
}
