import type { FastifySchemaCompiler } from 'fastify';
import type { z } from 'zod';
import { isObject } from '../../contracts/is-object.ts';
import { fieldErrors } from '../../schemas/field-errors.ts';
import { fieldMessage } from '../../schemas/field-message.ts';
import { invalidFields } from '../problem.ts';

/** Validates a part of a request by its zod schema. The problem names every invalid field, never its value. */
export const validatorCompiler: FastifySchemaCompiler<z.ZodType> =
  ({ schema, httpPart }) =>
  (data: unknown) => {
    const parsed = schema.safeParse(data, { error: fieldMessage });
    if (parsed.success) return { value: parsed.data };
    const isBody = httpPart === 'body';
    if (isBody && !isObject(data)) return { error: bodyIsNoObject() };
    return { error: invalidFields(fieldErrors(parsed.error.issues)) };
  };

/** Replaces the schema's messages, which list every required field. */
function bodyIsNoObject() {
  return invalidFields([{ path: '', message: 'must be an object' }], 'The body');
}
