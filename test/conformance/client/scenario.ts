import { z } from 'zod';

/** What the suite tells the client program. */
export interface Scenario {
  name: string;
  /** The MCP server's URL. */
  url: string;
  /** A client that the authorization server knows already. */
  client?: { clientId: string; clientSecret?: string; privateKeyPem?: string };
  /** The client id metadata document. Only where the scenario is about one: the program's own address is not https. */
  clientMetadataUrl?: string;
}

/** The URL that the suite expects. */
const CLIENT_METADATA_URL = 'https://conformance-test.local/client-metadata.json';

const context = z.object({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  private_key_pem: z.string().optional(),
});

/**
 * Reads the scenario from the environment and the last argument.
 *
 * @see https://www.npmjs.com/package/@modelcontextprotocol/conformance, "Client Testing"
 */
export function readScenario(): Scenario {
  const name = process.env.MCP_CONFORMANCE_SCENARIO ?? '';
  const given = context.parse(JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}'));
  return {
    name,
    url: String(process.argv.at(-1)),
    ...(name === 'auth/basic-cimd' && { clientMetadataUrl: CLIENT_METADATA_URL }),
    ...(given.client_id !== undefined && {
      client: {
        clientId: given.client_id,
        ...(given.client_secret !== undefined && { clientSecret: given.client_secret }),
        ...(given.private_key_pem !== undefined && { privateKeyPem: given.private_key_pem }),
      },
    }),
  };
}
