import { z } from 'zod';
import { timestampSchema } from './text.ts';
import { TOKEN_ENDPOINT_AUTH_METHODS } from './token-endpoint-auth-method.ts';

/** A registered server as the HTTP API shows it, without its secrets. */
export const serverSchema = z
  .object({
    id: z.string(),
    url: z.string().describe('Without its query'),
    queryNames: z
      .array(z.string())
      .optional()
      .describe(
        'The names of the parameters in the URL’s query. Their values are stored encrypted and never shown.',
      ),
    auth: z.discriminatedUnion('type', [
      z.object({ type: z.literal('none') }),
      z.object({ type: z.literal('bearer') }),
      z.object({
        type: z.literal('oauth2'),
        clientId: z.string().optional(),
        tokenEndpointAuthMethod: z.enum(TOKEN_ENDPOINT_AUTH_METHODS).optional(),
        scopes: z.string().optional(),
        authorizationServer: z.string().optional(),
        authorizationEndpoint: z.string().optional(),
        tokenEndpoint: z.string().optional(),
        revocationEndpoint: z.string().optional(),
        authorizationParams: z.record(z.string(), z.string()).optional(),
        resource: z.string().optional(),
        idleLimit: z.string().optional(),
      }),
    ]),
    title: z.string().optional(),
    headerNames: z.array(z.string()),
    trustAnnotations: z.boolean(),
    maxResultBytes: z.int().positive(),
    maxConcurrentCalls: z.int().positive().optional(),
    paused: z.boolean().describe('While a server is paused, its steps wait.'),
    createdAt: timestampSchema,
    updatedAt: timestampSchema,
  })
  .meta({ id: 'McpServer' });

export const serversSchema = z.object({
  servers: z.array(serverSchema),
  nextCursor: z.string().optional().describe('With a limit.'),
});
/** A registered server, as the HTTP API shows it. */
export type ShownServer = z.output<typeof serverSchema>;
