import { STATUS_CODES } from 'node:http';
import swagger, { type SwaggerTransform, type SwaggerTransformObject } from '@fastify/swagger';
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { problemSchema } from '../../schemas/http-problem.ts';
import { USER_HEADER } from '../acting-user.ts';
import { ACT_FOR_USERS_SCOPE, ADMIN_SCOPE, CONTENT_SCOPE, requireAdmin } from '../caller.ts';
import { sessionCookieName } from './browser.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The statuses of the route's problems, in addition to those that every route has. */
    problems?: readonly number[];
  }
}

const DESCRIPTION = `MCP tool calls as durable workflow steps on behalf of end users.

The token identifies the user. Scopes in its claim \`scope\`, separated by spaces: \`${ADMIN_SCOPE}\` for the admin routes,
\`${CONTENT_SCOPE}\` to see users' content there, \`${ACT_FOR_USERS_SCOPE}\` to act for the user that the header
\`${USER_HEADER}\` names. Every response has the header X-Latchkey-Version. Errors are problem documents
(RFC 9457) with a stable \`code\`.`;

const COMPONENT = '#/components/schemas/';
/** The statuses of problems that every route may respond with. */
const COMMON_PROBLEMS = [400, 413, 429, 431, 500, 503];
const PUBLIC: FastifySchema['security'] = [];

const BY_TOKEN: FastifySchema['security'] = [{ bearer: [] }];

/** For the schema of routes without a token. */
export const WITHOUT_TOKEN = { security: PUBLIC };
/** For the schema of routes that take no session cookie. */
export const TOKEN_ONLY = { security: BY_TOKEN };

/** Describes the routes that are added from now on as OpenAPI 3.1. */
export function describeRoutes(
  app: FastifyInstance,
  { version, publicUrl }: { version: string; publicUrl: string },
) {
  app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Latchkey',
        version,
        description: DESCRIPTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: publicUrl }],
      security: [{ bearer: [] }, { session: [] }],
      components: { securitySchemes: securitySchemes(publicUrl) },
    },
    // It would strip the public URL's path also from routes whose paths only start with the same characters.
    stripBasePath: false,
    convertConstToEnum: false,
    transform: describeRoute,
    transformObject: describeComponents,
  });
}

function securitySchemes(publicUrl: string) {
  return {
    bearer: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: `Scopes: ${ADMIN_SCOPE}, ${CONTENT_SCOPE}, ${ACT_FOR_USERS_SCOPE}.`,
    },
    session: {
      type: 'apiKey',
      in: 'cookie',
      name: sessionCookieName(publicUrl),
      description:
        'The session of the web page. Taken without an Authorization header, from its own pages only.',
    },
  } as const;
}

const describeRoute: SwaggerTransform = (document) => {
  const { schema, url } = jsonSchemaTransform(document);
  if (schema.hide) return { schema, url };
  const { route } = document;
  const response = { ...successes(schema), ...problems(schema, route) };
  return { schema: { ...schema, ...headersOf(schema, route), response }, url };
};

/** The headers that a route takes. They are described only, and checked by the authentication. */
function headersOf({ security }: FastifySchema, route: RouteOptions): Pick<FastifySchema, 'headers'> {
  const properties = takesUser(security, route)
    ? { 'X-Request-Id': REQUEST_ID, [USER_HEADER]: USER }
    : { 'X-Request-Id': REQUEST_ID };
  return { headers: { type: 'object', properties } };
}

/** The routes of a user. Not those for admins: a request that acts for a user has no admin rights. */
function takesUser(security: FastifySchema['security'], { onRequest }: RouteOptions): boolean {
  return security !== PUBLIC && ![onRequest].flat().some((hook) => hook === requireAdmin);
}

const REQUEST_ID = {
  type: 'string',
  description: `Names the request in the log; every answer repeats it. 1–128 of A–Z a–z 0–9 . _ ~ : + / = -. Any other is replaced.`,
};
const USER = {
  type: 'string',
  minLength: 1,
  maxLength: 255,
  description: `The user for whom this request acts, in UTF-8. Needs a token with the scope ${ACT_FOR_USERS_SCOPE}; without the header, a request is its token's own.`,
};

function successes({ response }: FastifySchema) {
  // The cast is safe: jsonSchemaTransform has just created these from zod schemas.
  const schemas = Object.entries((response ?? {}) as Record<string, { type?: string; content?: object }>);
  return Object.fromEntries(
    schemas.map(([status, schema]) => {
      const description = STATUS_CODES[status] ?? status;
      if (schema.type === 'null') return [status, { type: 'null', description }];
      const content = schema.content ?? { 'application/json': { schema: open(schema) } };
      return [status, { description, content }];
    }),
  );
}

/** Allows unknown fields in responses. Later versions add fields, and a generated client must not refuse them. */
function open<T>(schema: T): T {
  return JSON.parse(JSON.stringify(schema), (name, value) =>
    name === 'additionalProperties' && value === false ? undefined : value,
  );
}

const PROBLEM = problemSchema.meta()?.id;

function problems({ security }: FastifySchema, { config }: RouteOptions) {
  const refusals = authenticationProblems(security);
  const statuses = [...COMMON_PROBLEMS, ...refusals, ...(config?.problems ?? [])];
  const content = { 'application/problem+json': { schema: { $ref: `${COMPONENT}${PROBLEM}` } } };
  return Object.fromEntries(
    statuses.map((status) => [status, { description: STATUS_CODES[status], content }]),
  );
}

/**
 * A request that acts for a user may be refused. One with the session cookie may also be refused for where it comes from,
 * or where it was sent.
 */
function authenticationProblems(security: FastifySchema['security']): number[] {
  if (security === PUBLIC) return [];
  return security === BY_TOKEN ? [401, 403] : [401, 403, 421];
}

/** Keeps only components that are referred to. zod generates each schema twice, as input and as output. */
const describeComponents: SwaggerTransformObject = (document) => {
  const whole = jsonSchemaTransformObject(document);
  const text = JSON.stringify(whole);
  const schemas = 'components' in whole ? (whole.components?.schemas ?? {}) : {};
  for (const [name, schema] of Object.entries(schemas)) {
    if (text.includes(`"${COMPONENT}${name}"`)) schemas[name] = open(schema);
    else delete schemas[name];
  }
  allowAbsentBodies(whole);
  return whole;
};

interface Operation {
  requestBody?: {
    required?: boolean;
    content?: Record<string, { schema?: { anyOf?: { type?: unknown }[] } }>;
  };
}

// The plugin marks every body as required. The schema of a route that does without is nullable.
function allowAbsentBodies({ paths = {} }: { paths?: object }): void {
  // The cast names the part of the document that is used here. OpenAPI 3.1, "Operation Object".
  const operations = Object.values(paths).flatMap((path: object) => Object.values(path)) as Operation[];
  for (const { requestBody } of operations) {
    const { anyOf = [] } = requestBody?.content?.['application/json']?.schema ?? {};
    if (requestBody && anyOf.some(({ type }) => type === 'null')) requestBody.required = false;
  }
}
