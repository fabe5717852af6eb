import { z } from 'zod';
import { isPlainUrl, isRegistrableUrl, MUST_BE_PLAIN } from '../contracts/urls.ts';

/**
 * A URL to connect to, which every parser reads alike and no server rewrites. It is kept exactly as it was sent,
 * whereas `z.url()` trims spaces.
 *
 * @param start what the URL must begin with; default: any scheme
 */
export function plainUrl(start = ANY_SCHEME) {
  return urlThat(isRegistrableUrl, start);
}

/**
 * A URL that is only sent as a parameter, byte for byte, such as the `resource` of a grant that exists already.
 *
 * @param message said of a text that is no URL
 */
export function identifyingUrl(message?: string) {
  return urlThat(isPlainUrl, ANY_SCHEME, message);
}

const ANY_SCHEME = /^[a-z][a-z0-9+.-]*:/i;

function urlThat(isAccepted: (text: string) => boolean, start: RegExp, message = 'must be a URL') {
  return z
    .string()
    .max(2048)
    .refine((text) => start.test(text.trim()) && URL.canParse(text), {
      message,
      abort: true,
    })
    .refine(isAccepted, MUST_BE_PLAIN)
    .meta({ format: 'uri' });
}
