import { InvalidArgumentError } from 'commander';
import { idSchema } from '../schemas/id.ts';

/** The ids `.` and `..` have no address in the HTTP API, because clients resolve them as path segments. */
export function parseId(text: string): string {
  const id = idSchema.safeParse(text);
  if (id.success && !['.', '..'].includes(text)) return id.data;
  throw new InvalidArgumentError('1 to 255 characters without control characters, not . or ..');
}
