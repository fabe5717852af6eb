/** What is wrong with the fields of an input, in the same words over HTTP and Nexus. */
import type { z } from 'zod';
import { dottedPath as pathOf } from '../contracts/json-path.ts';

export interface FieldError {
  /** Such as `auth.clientId`. Empty for the whole object. */
  path: string;
  message: string;
}

const MAX_ERRORS_IN_DETAIL = 5;

/** Names every invalid field, never its value. Parse with `{ error: fieldMessage }`. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): FieldError[] {
  return issues.flatMap(errorsOfIssue);
}

/**
 * Writes one sentence that names the fields, because many clients show nothing else.
 *
 * @param whole what to call the object that an error without a path is about
 */
export function describeFields(errors: readonly FieldError[], whole: string): string {
  const described = errors
    .slice(0, MAX_ERRORS_IN_DETAIL)
    .map(({ path, message }) => `${path || whole} ${message}`);
  const more = errors.length - described.length;
  return `${described.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`;
}

function errorsOfIssue(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: 'is not a known field' }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return errorsOfClosest(issue);
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => ({ path: pathOf(issue.path), message }));
  }
  return [{ path: pathOf(issue.path), message: issue.message }];
}

/** Reports the errors of the union member whose type the value has, else of the first member. */
function errorsOfClosest(issue: z.core.$ZodIssueInvalidUnion): FieldError[] {
  const hasType = (issues: z.core.$ZodIssue[]) =>
    issues.every(({ code, path }) => path.length > 0 || code !== 'invalid_type');
  const closest = issue.errors.find(hasType) ?? issue.errors[0] ?? [];
  return closest.flatMap((inner) => errorsOfIssue({ ...inner, path: [...issue.path, ...inner.path] }));
}
