import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { dottedPath as pathOf } from '../contracts/dotted-path.ts';
import { type FieldError, invalidFields } from './problem.ts';

/** Checks a part of a request by its zod schema and answers with every field that is wrong, never its value. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data);
    return parsed.success
      ? { value: parsed.data }
      : { error: invalidFields(parsed.error.issues.flatMap(fieldErrors)) };
  };

function fieldErrors(issue: z.core.$ZodIssue): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: 'is not a known field' }));
  }
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => ({ path: pathOf(issue.path), message }));
  }
  return [{ path: pathOf(issue.path), message: issue.message }];
}
