import { z } from 'zod';

/**
 * An OAuth client as the MCP SDK's clients store it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1
 */
export const oauthClientInfoSchema = z.looseObject({
  client_id: z.string(),
  client_secret: z.string().nullish(),
  /** Seconds since 1970. 0: never. */
  client_secret_expires_at: z.number().nullish(),
  token_endpoint_auth_method: z.string().nullish(),
});

export type OAuthClientInfo = z.output<typeof oauthClientInfoSchema>;

/** The part of an authorization server's metadata that a refresh needs. RFC 8414. */
export const storedMetadataSchema = z.looseObject({
  token_endpoint: z.string().optional(),
  issuer: z.string().optional(),
});
