import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { dottedPath as pathOf } from '../../contracts/json-path.ts';
import { fieldMessage } from '../../schemas/field-message.ts';
import { type FieldError, invalidFields } from '../problem.ts';

/** Checks a part of a request by its zod schema and answers with every field that is wrong, never its value. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data, { error: fieldMessage });
    if (parsed.success) return { value: parsed.data };
    const isBody = httpPart === 'body';
    if (isBody && !isObject(data)) return { error: NO_OBJECT() };
    return { error: invalidFields(parsed.error.issues.flatMap(fieldErrors)) };
  };

// Whatever the schema has to say of a body that has no fields.
const NO_OBJECT = () => invalidFields([{ path: '', message: 'must be an object' }], 'The body');

function isObject(data: unknown): boolean {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: 'is not a known field' }));
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) return ofClosest(issue);
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => ({ path: pathOf(issue.path), message }));
  }
  return [{ path: pathOf(issue.path), message: issue.message }];
}

// Of the forms that a value may have, the one that it has but for what is told; else the first.
function ofClosest(issue: z.core.$ZodIssueInvalidUnion): FieldError[] {
  const hasForm = (issues: z.core.$ZodIssue[]) =>
    issues.every(({ code, path }) => path.length > 0 || code !== 'invalid_type');
  const closest = issue.errors.find(hasForm) ?? issue.errors[0] ?? [];
  return closest.flatMap((inner) => fieldErrors({ ...inner, path: [...issue.path, ...inner.path] }));
}
