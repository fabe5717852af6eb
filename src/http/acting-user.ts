/**
 * The header `Latchkey-User`, by which the token of a backend acts for one of its users (docs/backends.md). Its value
 * is the user id in UTF-8.
 */
import type { FastifyRequest } from 'fastify';
import { idSchema } from '../schemas/id.ts';
import { ACT_FOR_USERS_SCOPE, type Caller, insufficientScope, type TokenCaller } from './caller.ts';
import { type HttpProblem, invalidFields } from './problem.ts';

export const USER_HEADER = 'Latchkey-User';

export type Acting =
  | { kind: 'own' }
  | { kind: 'for-user'; caller: Caller & { actedBy: string } }
  | { kind: 'refused'; problem: HttpProblem };

/**
 * Returns for whom a request with this token acts: the user that the header names, or without it the token's own user. A
 * request for another user has that user's rights, and none of the token's own.
 */
export function actingFor(request: FastifyRequest, token: TokenCaller): Acting {
  const values = headerValues(request);
  if (values.length === 0) return { kind: 'own' };
  if (!token.mayActForUsers) return { kind: 'refused', problem: insufficientScope(ACT_FOR_USERS_SCOPE) };
  const [value = '', ...more] = values;
  if (more.length > 0) return { kind: 'refused', problem: invalidUser('must be sent once') };
  const parsed = idSchema.safeParse(decoded(value));
  if (parsed.success) {
    return { kind: 'for-user', caller: { userId: parsed.data, isAdmin: false, actedBy: token.userId } };
  }
  return { kind: 'refused', problem: invalidUser(parsed.error.issues[0]?.message ?? 'must be a user id') };
}

/** Whether the header is there, whatever its value. */
export function namesUser(request: FastifyRequest): boolean {
  return headerValues(request).length > 0;
}

// Not `request.headers`, where Node joins repeated headers to one text, which would be the id of another user.
function headerValues({ raw: { rawHeaders } }: FastifyRequest): string[] {
  return rawHeaders.filter((_, index) => rawHeaders[index - 1]?.toLowerCase() === NAME && index % 2 === 1);
}

const NAME = USER_HEADER.toLowerCase();

/** Node reads the bytes of a header as Latin-1. Bytes that are not UTF-8 make the id invalid. */
function decoded(value: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return undefined;
  }
}

function invalidUser(message: string): HttpProblem {
  return invalidFields([{ path: USER_HEADER, message }]);
}
