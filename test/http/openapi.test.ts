import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CONNECT_CODES } from '../../src/connect/connect-code.ts';
import {
  createHttpFixture,
  DEPOSIT,
  type HttpFixture,
  PUBLIC_URL,
  registerServer,
  VERSION,
} from './http-fixture.ts';

interface Operation {
  operationId: string;
  summary: string;
  security?: unknown[];
  parameters?: { in: string; name: string }[];
  requestBody?: { required: boolean; content: Record<string, { schema: object }> };
  responses: Record<string, { content?: Record<string, { schema: { $ref?: string } }> }>;
}

interface Description {
  openapi: string;
  info: { version: string };
  servers: { url: string }[];
  security: unknown;
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, { additionalProperties?: unknown; properties?: object; required?: string[] }>;
    securitySchemes: object;
  };
}

const ROUTES = [
  'GET /health',
  'GET /openapi.json',
  'PUT /mcp-servers/{id}',
  'GET /mcp-servers',
  'GET /mcp-servers/{id}',
  'DELETE /mcp-servers/{id}',
  'POST /mcp-servers/{id}/pause',
  'POST /mcp-servers/{id}/resume',
  'POST /mcp-oauth-credentials',
  'GET /mcp-oauth-credentials',
  'DELETE /mcp-oauth-credentials/{mcpServerId}',
  'GET /list-mcp-tools',
  'GET /mcp-tools',
  'POST /preflight',
  'POST /steps',
  'GET /steps/{stepId}',
  'GET /steps',
  'POST /steps/{stepId}/approve',
  'POST /steps/{stepId}/reject',
  'POST /steps/{stepId}/resolve',
  'POST /steps/resolve-many',
  'DELETE /steps/{stepId}',
  'POST /codec/decode',
  'POST /codec/encode',
  'POST /connect-sessions',
  'GET /connect-sessions/{id}',
  'POST /connect-sessions/{id}/confirm',
  'POST /sign-in-links',
  'GET /connect/{mcpServerId}',
  'GET /oauth/callback',
  'GET /',
  'GET /events',
  'GET /admin/steps',
  'GET /admin/connections',
  'GET /admin/audit',
  'GET /oauth/client-metadata.json',
];
const WITHOUT_TOKEN = [
  'GET /health',
  'GET /openapi.json',
  'GET /connect/{mcpServerId}',
  'GET /oauth/callback',
  'GET /',
  'GET /oauth/client-metadata.json',
];

let fixture: HttpFixture;
let description: Description;
let operations: [string, Operation][];
beforeAll(async () => {
  fixture = await createHttpFixture();
  description = (await fixture.ask({ url: '/openapi.json', user: null })).json();
  operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
});
afterAll(() => fixture.close());

describe('the OpenAPI description', () => {
  test('is valid OpenAPI 3.1, and its references lead somewhere', async () => {
    const validator = new Validator();
    expect(await validator.validate({ ...structuredClone(description) })).toMatchObject({ valid: true });
    expect(validator.version).toBe('3.1');
    const references = JSON.stringify(description).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g);
    const named = new Set([...references].map((match) => match[1]));
    expect([...named].sort()).toEqual(Object.keys(description.components.schemas).sort());
  });

  test('has every route of the contract and no other', () => {
    expect(operations.map(([name]) => name).sort()).toEqual([...ROUTES].sort());
  });

  test('names the version, the address and how callers show who they are', () => {
    expect(description.info.version).toBe(VERSION);
    expect(description.servers).toEqual([{ url: PUBLIC_URL }]);
    expect(description.security).toEqual([{ bearer: [] }, { session: [] }]);
    expect(description.components.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      session: { type: 'apiKey', in: 'cookie', name: expect.stringMatching(/latchkey-session$/) },
    });
  });

  test('says where the session cookie is taken, and what is answered then from elsewhere', () => {
    const isTokenOnly = (name: string) => /codec|sign-in-links/.test(name);
    for (const [name, { responses, security }] of operations) {
      if (WITHOUT_TOKEN.includes(name)) continue;
      expect([name, security]).toEqual([name, isTokenOnly(name) ? [{ bearer: [] }] : undefined]);
      if (!isTokenOnly(name)) {
        expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining(['403', '421'])]);
      }
    }
  });

  test('describes the redirect to the sign-in, and every code of a connect session', () => {
    expect(description.paths['/connect/{mcpServerId}']?.get?.responses).toHaveProperty('303');
    expect(description.components.schemas.ConnectSession?.properties).toMatchObject({
      code: { enum: CONNECT_CODES },
    });
  });

  test('gives every operation a name of its own', () => {
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ROUTES.length);
    for (const [, { summary }] of operations) expect(summary).toBeTruthy();
  });

  test('lists the problems that every route may answer', () => {
    for (const [name, { responses, security }] of operations) {
      const isPublic = WITHOUT_TOKEN.includes(name);
      const expected = ['400', '413', '429', '500', '503', ...(isPublic ? [] : ['401'])];
      expect([name, Object.keys(responses)]).toEqual([name, expect.arrayContaining(expected)]);
      expect([name, security?.length === 0]).toEqual([name, isPublic]);
      for (const [status, { content }] of Object.entries(responses)) {
        const isProblem = Number(status) >= 400;
        expect([name, status, content?.['application/problem+json']?.schema.$ref]).toEqual([
          name,
          status,
          isProblem ? '#/components/schemas/Problem' : undefined,
        ]);
      }
    }
  });

  test('keeps answers open to new fields and bodies closed to unknown ones', () => {
    for (const schema of Object.values(description.components.schemas)) {
      expect(schema.additionalProperties).not.toBe(false);
    }
    for (const [name, { requestBody }] of operations) {
      if (requestBody === undefined) continue;
      const text = JSON.stringify(requestBody.content['application/json']?.schema);
      expect([name, text]).toEqual([name, expect.stringContaining('"additionalProperties":false')]);
    }
  });

  test('says which bodies may be left out', () => {
    const optional = operations.filter(([, { requestBody }]) => requestBody?.required === false);
    expect(optional.map(([name]) => name).sort()).toEqual([
      'POST /connect-sessions/{id}/confirm',
      'POST /sign-in-links',
      'POST /steps/{stepId}/approve',
      'POST /steps/{stepId}/reject',
    ]);
  });

  test('describes what is really answered', async () => {
    await registerServer(fixture, 'notes');
    const answers = [
      ['Health', await fixture.ask({ url: '/health' })],
      ['McpServer', await fixture.askAsAdmin({ url: '/mcp-servers/notes' })],
      [
        'Step',
        await fixture.ask({ method: 'POST', url: '/steps', payload: { mcpServerId: 'notes', tool: 't' } }),
      ],
      ['Problem', await fixture.ask({ url: '/steps/none' })],
    ] as const;
    await fixture.ask({ method: 'POST', url: '/mcp-oauth-credentials', payload: DEPOSIT });
    const [connection] = (await fixture.ask({ url: '/mcp-oauth-credentials' })).json().connections;
    const bodies: [string, object][] = [
      ...answers.map(([name, answer]): [string, object] => [name, answer.json()]),
      ['Connection', connection],
    ];
    for (const [name, body] of bodies) {
      const schema = description.components.schemas[name] ?? {};
      expect([name, Object.keys(schema.properties ?? {})]).toEqual([
        name,
        expect.arrayContaining(Object.keys(body)),
      ]);
      expect([name, Object.keys(body)]).toEqual([name, expect.arrayContaining(schema.required ?? [])]);
    }
  });
});
