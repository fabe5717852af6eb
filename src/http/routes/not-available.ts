import { connectSessionSchema } from '../../schemas/http-connect-session.ts';
import type { HttpApp } from '../http-app.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { notAvailable } from '../problem.ts';

// What the contract promises and this version does not have yet. A route moves to a file of its own when
// it is built.

const config = { problems: [501] };

/** Routes behind authentication. */
export function registerNotAvailable(api: HttpApp): void {
  const handler = async () => {
    throw notAvailable('This');
  };
  api.post('/connect-sessions', {
    schema: {
      tags: ['Connecting'],
      operationId: 'createConnectSession',
      summary: 'Make a link for connecting',
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

/** Addresses that browsers and authorization servers come to, without a token. */
export function registerNotAvailablePages(app: HttpApp): void {
  const schema = { tags: ['Connecting'], ...WITHOUT_TOKEN };
  const handler = async () => {
    throw notAvailable('This page');
  };
  app.get('/', { schema: { ...schema, operationId: 'webPage', summary: 'The web page' }, config, handler });
  app.get('/oauth/callback', {
    schema: { ...schema, operationId: 'oauthCallback', summary: 'Where consent comes back' },
    config,
    handler,
  });
  app.get('/oauth/client-metadata.json', {
    schema: { ...schema, operationId: 'clientMetadata', summary: 'This client, as it describes itself' },
    config,
    handler,
  });
}
