import { z } from 'zod';

/** How a client can authenticate at a token endpoint here. RFC 7591 §2 and RFC 7523 know more. */
export const TOKEN_ENDPOINT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'none'] as const;

/** One of the methods; the one that the contract names for later is refused as that. */
export const tokenEndpointAuthMethodSchema = z.enum(TOKEN_ENDPOINT_AUTH_METHODS, {
  error: ({ input }) => (input === 'private_key_jwt' ? messageFor('private_key_jwt') : undefined),
});

/** A field that is refused as one for later, and not as unknown. */
export function notAvailable(name: string) {
  return z.never({ error: messageFor(name) });
}

function messageFor(name: string): string {
  return `${name} is not available in this version`;
}
