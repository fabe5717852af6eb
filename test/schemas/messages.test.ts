import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { validatorCompiler } from '../../src/http/plugins/validation.ts';
import { HttpProblem } from '../../src/http/problem.ts';
import { depositSchema } from '../../src/schemas/deposit.ts';
import { fieldMessage } from '../../src/schemas/field-message.ts';
import { decodePayloadsSchema, encodePayloadsSchema } from '../../src/schemas/http-codec.ts';
import {
  approveSchema,
  listStepsQuerySchema,
  rejectSchema,
  resolveManySchema,
  resolveSchema,
  stepParamsSchema,
  stepQuerySchema,
} from '../../src/schemas/http-step.ts';
import { listToolsOfServersQuerySchema, listToolsQuerySchema } from '../../src/schemas/http-tool.ts';
import { serverRegistrationSchema } from '../../src/schemas/server.ts';
import { stepRequestSchema } from '../../src/schemas/step.ts';

const AUTH = ['none', 'bearer', 'oauth2'].map((type) => ({ type }));
const TIME = '2026-01-31T09:00:00Z';

/** The schemas of requests, each with a valid request. */
const SCHEMAS: [name: string, schema: z.ZodType, right: Record<string, unknown>][] = [
  ['a step', stepRequestSchema, { mcpServerId: 's', tool: 't', timeouts: { call: '1s' } }],
  ['a deposit', depositSchema, { mcpServerId: 's', refreshToken: 'r', tokenEndpoint: 'https://a.example/t' }],
  ...AUTH.map((auth): (typeof SCHEMAS)[0] => [
    `a server of ${auth.type}`,
    serverRegistrationSchema,
    { url: 'https://s.example/mcp', auth, headers: { 'X-A': 'b' } },
  ]),
  ['an approval', approveSchema, { arguments: {} }],
  ['a rejection', rejectSchema, { reason: 'r' }],
  ['a resolution', resolveSchema, { action: 'succeed', result: { content: [] } }],
  ['many resolutions', resolveManySchema, { mcpServerId: 's', from: TIME, to: TIME, action: 'retry' }],
  ['the path of a step', stepParamsSchema, { stepId: 's' }],
  ['the query of a step', stepQuerySchema, { wait: '1s' }],
  ['the query of a list', listStepsQuerySchema, { status: 'running', limit: '5', cursor: 'c' }],
  ['the query of tools', listToolsQuerySchema, { mcpServerId: 's' }],
  ['the query of servers', listToolsOfServersQuerySchema, { mcpServerId: ['s'] }],
  ['payloads to decode', decodePayloadsSchema, { payloads: [{ data: 'AA==', metadata: { a: 'AA==' } }] }],
  ['payloads to encode', encodePayloadsSchema, { payloads: [{ data: 'AA==', metadata: { a: 'AA==' } }] }],
];

const WRONG = [
  ...[
    undefined,
    null,
    '',
    'x\u0000',
    '\ud83e',
    'x'.repeat(70_000),
    'ftp://x',
    'http://',
    'NaN',
    NaN,
    Infinity,
  ],
  ...[
    -1,
    0,
    1.5,
    1e300,
    true,
    [],
    [7],
    Array(300).fill('s'),
    {},
    { x: 1 },
    { type: 'x' },
    { 'a b': 'c' },
    [{ data: 7 }],
  ],
];

const JARGON =
  /expected|received|invalid|too (small|big)|[<>]=?|union|string|record|regex|null|undefined|NaN/i;

describe('every message about', () => {
  test.each(SCHEMAS)('%s is in plain words', (_, schema, right) => {
    const names = [...Object.keys(right), ...namesOf(schema), 'expires'];
    const inputs = [
      ...WRONG,
      ...names.flatMap((name) => WRONG.map((value) => ({ ...right, [name]: value }))),
    ];

    const messages = new Set(
      inputs.flatMap((input) => errorsOf(schema, input)).map(({ message }) => message),
    );

    expect(messages.size).toBeGreaterThan(0);
    expect([...messages].filter((message) => JARGON.test(message))).toStrictEqual([]);
    expect(
      [...messages].filter((message) => !/^(must|is|needs|only|has|\w+ needs) ?/.test(message)),
    ).toStrictEqual([]);
  });

  test.each(SCHEMAS)('%s names the field that is unknown beside one that is wrong', (_, schema, right) => {
    const [name = ''] = Object.keys(right);
    const isLoose = name === 'stepId';

    const errors = errorsOf(schema, { ...right, [name]: 7, expires: 1 });

    expect(errors.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(new RegExp(`^${name}`)),
        ...(isLoose ? [] : ['expires']),
      ]),
    );
  });
});

describe('a message says', () => {
  test.each([
    [
      depositSchema,
      { mcpServerId: 's', tokenEndpoint: 'x', expires: 1 },
      'refreshToken is required',
      'tokenEndpoint must be a URL',
      'expires is not a known field',
    ],
    [
      depositSchema,
      {
        mcpServerId: 's',
        tokenEndpoint: 'https://a.example',
        refreshToken: '',
        clientSecret: 'x',
        expiresIn: NaN,
      },
      'refreshToken must be a text of 1 to 65536 characters',
      'expiresIn must be a number',
      'clientId is required with clientSecret',
      'accessToken expiresIn needs accessToken',
    ],
    [
      listStepsQuerySchema,
      { limit: 'NaN', status: 'done' },
      'limit must be a whole number from 1 to 100',
      'status must be one of running, awaiting-input, success, error, skipped, cancelled',
    ],
    [listStepsQuerySchema, { limit: '0' }, 'limit must be a whole number from 1 to 100'],
    [
      stepRequestSchema,
      { mcpServerId: '', tool: 7 },
      'mcpServerId must be a text of 1 to 255 characters',
      'tool must be a text',
    ],
    [
      stepRequestSchema,
      { mcpServerId: 's', tool: 't', timeouts: { call: '2h', lunch: '1h' } },
      'timeouts.call must be at most 1h',
      'timeouts.lunch is not a known field',
    ],
    [
      serverRegistrationSchema,
      { url: 'https://s.example', auth: { type: 'basic' } },
      'auth.type must be one of none, bearer, oauth2',
    ],
    [
      serverRegistrationSchema,
      { url: 'https://s.example', auth: { type: 'oauth2', clientSecret: 'x', scope: 'a' }, colour: 1 },
      'auth.scope is not a known field',
      'colour is not a known field',
      'auth.clientId is required with clientSecret',
    ],
    [
      serverRegistrationSchema,
      { url: 'https://s.example', auth: { type: 'none' }, headers: { 'a b': 'c' } },
      'headers.a b must be an HTTP field name',
    ],
    [listToolsOfServersQuerySchema, { mcpServerId: '' }, 'mcpServerId must be a text of 1 to 255 characters'],
    [
      resolveSchema,
      { action: 'undo', result: {} },
      'action must be one of retry, succeed, fail',
      'result only goes with succeed',
    ],
    [
      resolveManySchema,
      { mcpServerId: 's', from: '2026-02-01T00:00:00Z', to: TIME, action: 'undo' },
      'action must be one of retry, succeed, fail',
      'to must not be before from',
    ],
    [
      resolveManySchema,
      { mcpServerId: 's', from: 'monday', to: TIME, action: 'fail' },
      'from must be a time such as 2026-01-31T09:00:00Z',
    ],
    [stepRequestSchema, null, 'must be an object'],
    [
      serverRegistrationSchema,
      { url: 'https://s.example', auth: { type: 'none' }, maxResultBytes: '5' },
      'maxResultBytes must be a whole number',
    ],
    [
      stepRequestSchema,
      { mcpServerId: 's', tool: 't', ['x'.repeat(500)]: 1 },
      `${'x'.repeat(128)} is not a known field`,
    ],
  ] as [z.ZodType, unknown, ...string[]][])(
    '%# what is wrong with each field, in the detail too',
    (schema, input, ...messages) => {
      const problem = problemOf(schema, input);

      const errors = errorsOf(schema, input).map(({ path, message }) => `${path} ${message}`.trim());

      expect(errors.sort()).toStrictEqual([...messages].sort());
      for (const message of messages) expect(problem?.message).toContain(message);
    },
  );
});

function problemOf(schema: z.ZodType, input: unknown): HttpProblem | undefined {
  const validate = validatorCompiler({ schema, method: 'POST', url: '/', httpPart: 'body' });
  const outcome = validate(input);
  const error = typeof outcome === 'object' && 'error' in outcome ? outcome.error : undefined;
  return error instanceof HttpProblem ? error : undefined;
}

function errorsOf(schema: z.ZodType, input: unknown): { path: string; message: string }[] {
  // The cast trusts `invalidFields`.
  return (problemOf(schema, input)?.members.errors ?? []) as { path: string; message: string }[];
}

function namesOf(schema: z.ZodType): string[] {
  return 'shape' in schema && typeof schema.shape === 'object' ? Object.keys(schema.shape ?? {}) : [];
}

test.each([undefined, null, 'x', 5, []])('a body that is %j is named in the message', (body) => {
  const schemas = [stepRequestSchema, resolveSchema, serverRegistrationSchema, encodePayloadsSchema];
  for (const schema of schemas) {
    const check = validatorCompiler({ schema, httpPart: 'body', method: 'POST', url: '/' });
    expect(check(body)).toMatchObject({ error: { message: 'The body must be an object.' } });
  }
});

test('unknown names in the message of a schema library are few, and cut', () => {
  const keys = Array.from({ length: 9 }, (_, index) => String(index).repeat(1_000));
  const parsed = z.strictObject({}).safeParse(Object.fromEntries(keys.map((key) => [`k${key}`, 1])), {
    error: fieldMessage,
  });
  expect(parsed.error?.issues[0]?.message).toMatch(/^has no field k0{127}, .* and 4 more$/);
});
