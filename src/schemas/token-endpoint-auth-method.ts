import { z } from 'zod';

/** The supported ways for a client to authenticate at a token endpoint. RFC 7591 §2 and RFC 7523 define more. */
export const TOKEN_ENDPOINT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const;

/** One of the methods. The message for `private_key_jwt` says that it is not available yet. */
export const tokenEndpointAuthMethodSchema = z.enum(TOKEN_ENDPOINT_AUTH_METHODS, {
  error: ({ input }) => (input === 'private_key_jwt' ? messageFor('private_key_jwt') : undefined),
});

/** A known field that this version refuses. Its message says so, instead of calling the field unknown. */
export function notAvailable(name: string) {
  return z.never({ error: messageFor(name) });
}

function messageFor(name: string): string {
  return `${name} is not available in this version`;
}
