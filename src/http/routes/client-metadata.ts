import { z } from 'zod';
import { ISSUER_KEY } from '../../connect/clients/redirect-uri.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';

const schema = {
  tags: ['Connecting'],
  ...WITHOUT_TOKEN,
  response: { 200: z.looseObject({ client_id: z.string() }) },
};

/** Authorization servers may keep the document for a while: it changes with PUBLIC_URL alone. */
const CACHE_CONTROL = 'public, max-age=300';

/** Registers the client id metadata documents, which authorization servers fetch. */
export function registerClientMetadata(app: HttpApp, { connect }: Pick<HttpDependencies, 'connect'>): void {
  app.get('/oauth/client-metadata.json', {
    schema: { ...schema, operationId: 'clientMetadata', summary: "This client's metadata document" },
    handler: async (_request, reply) =>
      reply.header('cache-control', CACHE_CONTROL).send({ ...connect.clientIdDocument() }),
  });
  app.get('/oauth/client-metadata/:document', {
    schema: {
      ...schema,
      operationId: 'clientMetadataOfIssuer',
      summary: "This client's metadata document for an authorization server whose answers have no `iss`",
      hide: true,
      params: z.object({ document: z.string().regex(DOCUMENT, 'must be the key of an issuer and .json') }),
    },
    handler: async (request, reply) => {
      const key = request.params.document.slice(0, -'.json'.length);
      return reply.header('cache-control', CACHE_CONTROL).send({ ...connect.clientIdDocument(key) });
    },
  });
}

const DOCUMENT = new RegExp(`${ISSUER_KEY.source.slice(0, -1)}\\.json$`);
