import { z } from 'zod';
import { depositSchema } from './deposit.ts';
import { idSchema } from './id.ts';

const { tokenEndpoint, clientId, clientSecret, clientSecretExpiresAt, tokenEndpointAuthMethod } =
  depositSchema.shape;
const { scopes, resource, issuer, account } = depositSchema.shape;

/** What an import knows about a server of another system: its id here, and what that system's export leaves out. */
export const importTargetSchema = z.strictObject({
  mcpServerId: idSchema,
  tokenEndpoint: tokenEndpoint.optional(),
  clientId,
  clientSecret,
  clientSecretExpiresAt,
  tokenEndpointAuthMethod,
  scopes,
  resource,
  issuer,
  account,
});

export type ImportTarget = z.output<typeof importTargetSchema>;

/** The file of `--map-file`: by the name of the server in the other system. */
export const importMapSchema = z.record(z.string().min(1), importTargetSchema);

/** The file of `--user-map`: from the other system's id of a user to the id here. */
export const userMapSchema = z.record(z.string().min(1), idSchema);
