/**
 * The errors that a caller of a Nexus operation gets. Its history keeps them, so they hold no value of an input, no
 * message of another library and no stack.
 */
import { ApplicationFailure } from '@temporalio/common';
import { HandlerError, type HandlerErrorType, OperationError } from 'nexus-rpc';
import { describeNumbers, type NumberProblem } from '../contracts/number-problems.ts';
import type { Logger } from '../logging/logger.ts';
import { describeFields, type FieldError } from '../schemas/field-errors.ts';
import type { ProblemCode } from '../schemas/http-problem.ts';
import { isInvalidArgument, TemporalUnavailable } from '../temporal/temporal-call.ts';

/** @param errors the fields that are wrong */
export function invalidInput(errors: FieldError[]): HandlerError {
  return handlerError('BAD_REQUEST', 'invalid-request', describeFields(errors, 'The input'));
}

export function invalidRequest(message: string): HandlerError {
  return handlerError('BAD_REQUEST', 'invalid-request', message);
}

export function numbersNotExact(problems: NumberProblem[]): HandlerError {
  const message = `The input has numbers that can't be kept exactly: ${describeNumbers(problems)}.`;
  return handlerError('BAD_REQUEST', 'number-not-exact', message);
}

// BAD_REQUEST, because Temporal never repeats a request after it. CONFLICT is newer than some servers.
export function stepConflict(): HandlerError {
  return handlerError('BAD_REQUEST', 'step-conflict', 'This stepId belongs to a step with another request.');
}

export function listConflict(): HandlerError {
  return handlerError('BAD_REQUEST', 'step-conflict', 'This listId belongs to a step or another listing.');
}

/** Throws what a handler threw, as its caller may see it. */
export function rethrowForCaller(logger: Logger): (error: unknown) => never {
  return (error) => {
    throw forCaller(error, logger);
  };
}

// The server repeats the request after UNAVAILABLE and INTERNAL, and after no other of these errors.
function forCaller(error: unknown, logger: Logger): HandlerError | OperationError {
  if (error instanceof HandlerError || error instanceof OperationError) return error;
  if (error instanceof TemporalUnavailable) {
    return handlerError('UNAVAILABLE', 'temporal-unavailable', 'Temporal is unavailable.');
  }
  if (isInvalidArgument(error)) return invalidRequest('Temporal refuses the input: it may be too large.');
  logger.error({ err: error }, 'a Nexus operation failed');
  return handlerError('INTERNAL', 'internal', 'Something went wrong on our side.');
}

/** The code is the type of the cause, an `ApplicationFailure`: Nexus itself has no place for it. */
function handlerError(type: HandlerErrorType, code: ProblemCode, message: string): HandlerError {
  const cause = ApplicationFailure.nonRetryable(message, code);
  cause.stack = '';
  return new HandlerError(type, message, { cause, stackTrace: '' });
}
