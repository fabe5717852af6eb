import { z } from 'zod';

/** The stable words of problem documents. Added to, never renamed. */
export const PROBLEM_CODES = [
  'invalid-request',
  'number-not-exact',
  'unauthenticated',
  'forbidden',
  'not-found',
  'unknown-server',
  'unknown-step',
  'method-not-allowed',
  'request-timeout',
  'step-conflict',
  'not-waiting',
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

/** A problem document. RFC 9457; `code` is our extension member, some problems have more. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('Always about:blank: the code says what the problem is.'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().describe('For people; may change.'),
    code: z.enum(PROBLEM_CODES).describe('For programs; stable.'),
    instance: z.string().optional().describe('The request, as the log names it.'),
    errors: z
      .array(
        z.object({
          path: z.string().describe('Such as auth.clientId; empty for the whole body.'),
          message: z.string(),
        }),
      )
      .optional()
      .describe('With invalid-request and number-not-exact: every field that is wrong.'),
  })
  .meta({ id: 'Problem' });

export type Problem = z.output<typeof problemSchema>;
