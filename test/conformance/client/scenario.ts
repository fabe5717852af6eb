import { exportJWK, importPKCS8, type JWK } from 'jose';
import { z } from 'zod';

/** What the suite tells the client program, and the program's own surroundings. */
export interface Scenario {
  name: string;
  /** The MCP server's URL. */
  url: string;
  /** A client that the authorization server knows already. */
  client: { clientId?: string; clientSecret?: string; privateKey?: JWK };
  databaseUrl: string;
  /** Where the program would serve pages. Only on https does Latchkey have a client id metadata document. */
  publicUrl: string;
  /** The client id that the suite expects in place of the document's, whose path differs. */
  documentClientId?: string;
}

/** What the scenario of the client id metadata document expects. */
const DOCUMENT = {
  publicUrl: 'https://conformance-test.local',
  documentClientId: 'https://conformance-test.local/client-metadata.json',
};

const context = z.object({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  private_key_pem: z.string().optional(),
  signing_algorithm: z.string().default('ES256'),
});

/**
 * Reads the scenario from the environment and the last argument.
 *
 * @see https://www.npmjs.com/package/@modelcontextprotocol/conformance, "Client Testing"
 */
export async function readScenario(): Promise<Scenario> {
  const { env, argv } = process;
  const name = env.MCP_CONFORMANCE_SCENARIO ?? '';
  return {
    name,
    url: argv.at(-1) ?? '',
    client: await clientOf(context.parse(JSON.parse(env.MCP_CONFORMANCE_CONTEXT ?? '{}'))),
    databaseUrl: env.LATCHKEY_CONFORMANCE_DATABASE ?? '',
    publicUrl: 'http://127.0.0.1:3000',
    ...(name === 'auth/basic-cimd' && DOCUMENT),
  };
}

async function clientOf(given: z.output<typeof context>): Promise<Scenario['client']> {
  const {
    client_id: clientId,
    client_secret: clientSecret,
    private_key_pem: pem,
    signing_algorithm: alg,
  } = given;
  return {
    ...(clientId !== undefined && { clientId }),
    ...(clientSecret !== undefined && { clientSecret }),
    ...(pem !== undefined && { privateKey: { ...(await jwkOf(pem, alg)), alg } }),
  };
}

async function jwkOf(pem: string, alg: string): Promise<JWK> {
  return exportJWK(await importPKCS8(pem, alg, { extractable: true }));
}
