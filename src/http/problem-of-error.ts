import { isDatabaseUnavailable, isSchemaMissing, isUnstorable } from '../db/database-errors.ts';
import { PayloadKeyMissing } from '../payloads/payload-codec.ts';
import type { ProblemCode } from '../schemas/http-problem.ts';
import { InvalidCursor } from '../steps/list-cursor.ts';
import { TemporalUnavailable } from '../temporal/temporal-call.ts';
import { EncryptionKeyMissing } from '../vault/key-ring.ts';
import {
  DATABASE_UNMIGRATED,
  encryptionKeyMissing,
  HttpProblem,
  invalidFields,
  invalidRequest,
  notFound,
  retryAfter,
} from './problem.ts';

const RETRY_AFTER_MS = 2_000;

/** Converts an error to the problem that is sent. For an unexpected error, the problem contains no details. */
export function problemOfError(error: unknown): HttpProblem {
  if (error instanceof HttpProblem) return error;
  if (error instanceof TemporalUnavailable) {
    return unavailable('temporal-unavailable', 'Temporal is unavailable.', error);
  }
  if (error instanceof InvalidCursor) {
    return invalidFields([{ path: 'cursor', message: 'is not one of this list' }]);
  }
  if (error instanceof EncryptionKeyMissing) return encryptionKeyMissing(error.kid);
  if (error instanceof PayloadKeyMissing) {
    return unavailable('encryption-key-missing', 'A key that payloads are encrypted with is missing.', error);
  }
  const framework = problemOfFramework(error);
  if (framework) return framework;
  if (isDatabaseUnavailable(error)) {
    return unavailable('database-unavailable', 'The database is unavailable.', error);
  }
  if (isSchemaMissing(error)) return unavailable('database-unavailable', DATABASE_UNMIGRATED, error);
  if (isUnstorable(error)) {
    return invalidRequest(
      'A value can not be stored: a text has characters that are not allowed, or a number or time is out of range.',
    );
  }
  return new HttpProblem(500, 'internal', 'Something went wrong on our side.', { cause: error });
}

function unavailable(code: ProblemCode, detail: string, cause: unknown): HttpProblem {
  return new HttpProblem(503, code, detail, { headers: retryAfter(RETRY_AFTER_MS), cause });
}

/** Converts errors that Fastify or its plugins throw. None of them is a fault of ours, so none becomes a 500. */
function problemOfFramework(error: unknown): HttpProblem | undefined {
  if (!(error instanceof Error) || !('statusCode' in error)) return undefined;
  const { statusCode: status } = error;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  const code = 'code' in error ? error.code : undefined;
  switch (status) {
    case 413:
      return new HttpProblem(413, 'body-too-large', 'The body is too large.');
    case 415:
      return new HttpProblem(415, 'unsupported-media-type', 'The body must be application/json.');
    // Errors of static files. A hidden file is answered like a missing one.
    case 403:
    case 404:
      return notFound();
    case 412:
      return new HttpProblem(412, 'invalid-request', 'A condition in the headers does not hold.');
    case 416:
      return new HttpProblem(416, 'invalid-request', 'The file has no such range.');
    case 414:
      return invalidRequest(detailOf(code));
    default:
      return new HttpProblem(status, 'invalid-request', detailOf(code));
  }
}

function detailOf(code: unknown): string {
  switch (code) {
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return 'The body is not valid JSON, or has a key that is not allowed.';
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return 'The address is not valid.';
    default:
      return 'The request could not be read.';
  }
}
