import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { dottedPath as pathOf } from '../../contracts/json-path.ts';
import { fieldMessage } from '../../schemas/field-message.ts';
import { type FieldError, invalidFields } from '../problem.ts';

/** Validates a part of a request by its zod schema. The problem names every invalid field, never its value. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data, { error: fieldMessage });
    if (parsed.success) return { value: parsed.data };
    const isBody = httpPart === 'body';
    if (isBody && !isObject(data)) return { error: bodyIsNoObject() };
    return { error: invalidFields(parsed.error.issues.flatMap(fieldErrors)) };
  };

/** Replaces the schema's messages, which list every required field. */
function bodyIsNoObject() {
  return invalidFields([{ path: '', message: 'must be an object' }], 'The body');
}

function isObject(data: unknown): boolean {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
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
  return closest.flatMap((inner) => fieldErrors({ ...inner, path: [...issue.path, ...inner.path] }));
}
