import { z } from 'zod';
import { idSchema } from '../../schemas/id.ts';
import type { HttpApp } from '../dependencies.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { notAvailable } from '../problem.ts';

// Routes that the API's contract names and this version does not implement yet. A route gets a file of its own when
// it is implemented.

/** The body of `POST /connect-sessions`. */
const connectSessionSchema = z.strictObject({
  mcpServerId: idSchema,
  returnTo: z.url().max(2048).optional(),
});

const config = { problems: [501] };

/** Routes that require a token. */
export function registerNotAvailable(api: HttpApp): void {
  const handler = async () => {
    throw notAvailable('This');
  };
  api.post('/connect-sessions', {
    schema: {
      tags: ['Connecting'],
      operationId: 'createConnectSession',
      summary: 'Create a link for connecting a server',
      body: connectSessionSchema,
    },
    config,
    handler,
  });
  api.get('/events', {
    schema: { tags: ['Connecting'], operationId: 'streamEvents', summary: 'Events for the web page' },
    config,
    handler,
  });
}

/** Routes without a token, for browsers and authorization servers. */
export function registerNotAvailablePages(app: HttpApp): void {
  const schema = { tags: ['Connecting'], ...WITHOUT_TOKEN };
  const handler = async () => {
    throw notAvailable('This page');
  };
  app.get('/oauth/callback', {
    schema: { ...schema, operationId: 'oauthCallback', summary: 'Redirect URI of the authorization request' },
    config: { ...config, isSignIn: true },
    handler,
  });
  app.get('/oauth/client-metadata.json', {
    schema: { ...schema, operationId: 'clientMetadata', summary: "This client's metadata document" },
    config,
    handler,
  });
}
