import { z } from 'zod';

/** The stable codes of problem documents. New ones may be added; none is ever renamed. */
export const PROBLEM_CODES = [
  'invalid-request',
  'number-not-exact',
  'unauthenticated',
  'forbidden',
  'not-found',
  'unknown-server',
  'unknown-step',
  'unknown-connect-session',
  'method-not-allowed',
  'request-timeout',
  'step-conflict',
  'account-mismatch',
  'already-connected',
  'disconnected',
  'not-waiting',
  'nothing-to-confirm',
  'needs-oauth-reauth',
  'body-too-large',
  'unsupported-media-type',
  'expectation-failed',
  'too-many-requests',
  'headers-too-large',
  'internal',
  'not-available',
  'server-unavailable',
  'protocol-error',
  'result-too-large',
  'database-unavailable',
  'temporal-unavailable',
  'token-keys-unavailable',
  'token-endpoint-unavailable',
  'no-worker',
  'arguments-unchecked',
  'encryption-key-missing',
  'payload-encryption-off',
  'misconfigured',
  'draining',
] as const;

export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** A problem document (RFC 9457). `code` is an extension member; some problems have further ones. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('Always about:blank. The code identifies the problem.'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().describe('For people. May change.'),
    code: z.enum(PROBLEM_CODES).describe('For programs. Stable.'),
    instance: z.string().optional().describe('Identifies the request in the log.'),
    errors: z
      .array(
        z.object({
          path: z.string().describe('The field, such as auth.clientId. Empty for the whole body.'),
          message: z.string(),
        }),
      )
      .optional()
      .describe('With invalid-request and number-not-exact: the fields that are wrong.'),
  })
  .meta({ id: 'Problem' });

export type Problem = z.output<typeof problemSchema>;
