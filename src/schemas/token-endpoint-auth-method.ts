import { z } from 'zod';

/** The supported ways for a client to authenticate at a token endpoint. RFC 7591 §2, RFC 7523. */
export const TOKEN_ENDPOINT_AUTH_METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
] as const;

/** The ways of a client that has no key: those of a deposit. */
export const keylessAuthMethodSchema = z.enum(['client_secret_basic', 'client_secret_post', 'none']);
