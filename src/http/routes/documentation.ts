import swaggerUi from '@fastify/swagger-ui';
import { z } from 'zod';
import type { HttpApp } from '../dependencies.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';

/** Allows only scripts and styles of this server. The icons are `data:` images. */
const CONTENT_SECURITY_POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
};

/** Registers `/openapi.json`, and `/docs` to browse it. */
export function registerDocumentation(app: HttpApp, publicUrl: string): void {
  app.get('/openapi.json', {
    schema: {
      operationId: 'openapi',
      summary: 'This description, as OpenAPI 3.1',
      tags: ['Operation'],
      ...WITHOUT_TOKEN,
      response: { 200: z.record(z.string(), z.unknown()) },
    },
    handler: async (_request, reply) => reply.send({ ...app.swagger() }),
  });
  app.register(swaggerUi, {
    routePrefix: '/docs',
    // A proxy may serve the API below a path.
    indexPrefix: new URL(publicUrl).pathname,
    staticCSP: CONTENT_SECURITY_POLICY,
    uiConfig: { deepLinking: true },
    theme: { title: 'Latchkey HTTP API' },
  });
}
