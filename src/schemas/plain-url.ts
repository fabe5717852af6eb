import { z } from 'zod';
import { isRegistrableUrl, MUST_BE_PLAIN } from '../contracts/urls.ts';

/**
 * A URL that every parser reads alike and no server rewrites. It is kept exactly as it was sent, whereas `z.url()` trims spaces.
 *
 * @param start what the URL must begin with; default: any scheme
 */
export function plainUrl(start = /^[a-z][a-z0-9+.-]*:/i) {
  return z
    .string()
    .max(2048)
    .refine((text) => start.test(text.trim()) && URL.canParse(text), {
      message: 'must be a URL',
      abort: true,
    })
    .refine(isRegistrableUrl, MUST_BE_PLAIN)
    .meta({ format: 'uri' });
}
