import type { StepRequest } from '../../contracts/step.ts';
import { connectSessionSchema } from '../../schemas/http-connect-session.ts';
import { approveSchema, rejectSchema, resolveSchema, stepParamsSchema } from '../../schemas/http-step.ts';
import type { HttpApp } from '../http-app.ts';
import { WITHOUT_TOKEN } from '../openapi.ts';
import { notAvailable } from '../problem.ts';

// What the contract promises and this version does not have yet. A route moves to a file of its own when
// it is built.

const config = { problems: [501] };

/** Parts of a step's request. */
export function refuseUnavailableModes({ mode, sideEffects }: StepRequest): void {
  if (mode !== undefined && mode !== 'fully-automated') throw notAvailable(`The mode ${mode}`);
  if (sideEffects !== undefined && sideEffects !== 'auto') throw notAvailable(`sideEffects: ${sideEffects}`);
}

/** Routes behind authentication. */
export function registerNotAvailable(api: HttpApp): void {
  const steps = { tags: ['Steps'], params: stepParamsSchema };
  const handler = async () => {
    throw notAvailable('This');
  };
  // A message without fields may come without a body.
  api.post('/steps/:stepId/approve', {
    schema: {
      ...steps,
      operationId: 'approveStep',
      summary: 'Approve a step',
      body: approveSchema.nullable(),
    },
    config,
    handler,
  });
  api.post('/steps/:stepId/reject', {
    schema: { ...steps, operationId: 'rejectStep', summary: 'Reject a step', body: rejectSchema.nullable() },
    config,
    handler,
  });
  api.post('/steps/:stepId/resolve', {
    schema: {
      ...steps,
      operationId: 'resolveStep',
      summary: 'Resolve a step whose outcome is unknown',
      body: resolveSchema,
    },
    config,
    handler,
  });
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
  api.get('/mcp-tools', {
    schema: {
      tags: ['Tools'],
      operationId: 'listToolsOfServers',
      summary: 'List the tools of several servers',
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
