import { createContext, runInContext } from 'node:vm';
import Fastify from 'fastify';
import { describe, expect, test } from 'vitest';
import { createLogger, LOG_LEVELS, type LogLevel, logReady } from '../../src/logging/logger.ts';
import { createTemporalLogger } from '../../src/temporal/temporal-logger.ts';

const SECRET = 's3cr3t-value-that-must-not-show';

function capture(level: LogLevel = 'trace', name?: string) {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const logger = createLogger({ level, destination, ...(name === undefined ? {} : { name }) });
  return { logger, output: () => lines.join(''), records: () => lines.map((line) => JSON.parse(line)) };
}

describe('a log line', () => {
  test('is one JSON object with level, time, process, name and message', () => {
    const { logger, output, records } = capture('info', 'worker');
    logger.info({ mcpServerId: 'notes' }, 'step started\nwith a line break');
    expect(output().trimEnd().split('\n')).toHaveLength(1);
    expect(output().endsWith('}\n')).toBe(true);
    expect(records()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        pid: process.pid,
        name: 'worker',
        mcpServerId: 'notes',
        msg: 'step started\nwith a line break',
      },
    ]);
  });

  test('is left out below the level', () => {
    const { logger, records } = capture('warn');
    logger.info('quiet');
    logger.warn('loud');
    expect(records().map(({ msg }) => msg)).toEqual(['loud']);
  });

  test.each(LOG_LEVELS)('announces readiness at level %s', (level) => {
    const { logger, output } = capture(level);
    logReady(logger, { port: 3000 });
    expect(output()).toContain('"port":3000');
    expect(output()).toContain('"msg":"ready"');
  });
});

describe('redaction', () => {
  test.each([
    'authorization',
    'Authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'password',
    'token',
    'accessToken',
    'access_token',
    'refreshToken',
    'refresh_token',
    'idToken',
    'bearerToken',
    'clientSecret',
    'client_secret',
    'JWT_SECRET',
    'codeVerifier',
    'apiKey',
    'grantJwe',
    'tokens',
    'ENCRYPTION_KEYS',
  ])('hides %s at any depth, in arrays and in bindings of child loggers', (name) => {
    const { logger, output } = capture();
    logger.info({ [name]: SECRET }, 'flat');
    logger.info({ a: { b: [{ c: { d: { e: { f: { [name]: SECRET } } } } }] } }, 'deep');
    logger.info({ [name]: { value: SECRET, list: [SECRET] } }, 'as an object');
    logger
      .child({ [name]: SECRET })
      .child({ nested: { [name]: SECRET } }, { level: 'debug' })
      .debug('bound');
    expect(output()).toContain('"msg":"bound"');
    expect(output()).not.toContain(SECRET);
  });

  test('keeps what only resembles a secret by its name', () => {
    const fields = {
      tokenEndpoint: 'https://as.example/token',
      tokenVersion: 3,
      hasRefreshToken: true,
      authorizationServer: 'https://as.example',
      accessToken: null,
      idempotencyKey: 'step/alice/1',
      code: 'ECONNRESET',
    };
    const { logger, records } = capture();
    logger.info(fields, 'kept');
    expect(records()[0]).toMatchObject(fields);
  });

  test.each([
    ['a bearer token', `got 401 for Authorization: Bearer ${SECRET}`],
    ['a JWT', `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.${SECRET}`],
    ['a JWE', `eyJhbGciOiJBMjU2S1cifQ.${SECRET}.${SECRET}.${SECRET}.${SECRET}`],
    ['an authorization code', `GET /oauth/callback?code=${SECRET}&state=${SECRET}`],
    ['a form', `grant_type=refresh_token&refresh_token=${SECRET}&client_secret=${SECRET}`],
    ['a password in a URL', `postgres://latchkey:${SECRET}@db.internal:5432/latchkey`],
  ])('hides %s in messages, fields and errors', (_what, text) => {
    const { logger, output } = capture();
    logger.info(text);
    logger.info({ deep: { text: [text] } }, 'field');
    logger.error(new Error(text), 'error');
    logger.error({ err: new Error('outer', { cause: new Error(text) }) }, 'cause');
    expect(output().trimEnd().split('\n')).toHaveLength(4);
    expect(output()).not.toContain(SECRET);
  });

  test('keeps a challenge readable', () => {
    const { logger, records } = capture();
    logger.info({ challenge: 'Bearer error="insufficient_scope", scope="notes:write"' }, 'refused');
    expect(records()[0].challenge).toBe('Bearer error="insufficient_scope", scope="notes:write"');
  });

  test('survives what JSON cannot hold', () => {
    const circular: Record<string, unknown> = { refreshToken: SECRET };
    circular.self = circular;
    const { logger, output, records } = capture();
    logger.info({ circular, big: 1n, none: undefined, nan: Number.NaN }, 'odd');
    expect(records()[0]).toMatchObject({ msg: 'odd' });
    expect(output()).not.toContain(SECRET);
  });
});

describe('an error', () => {
  function failure() {
    const response = { body: SECRET, headers: { 'x-custom': SECRET } };
    const cause = Object.assign(new TypeError('socket hang up'), { code: 'ECONNRESET', response });
    return Object.assign(new Error('call failed', { cause }), {
      code: 502,
      response,
      request: { body: SECRET },
    });
  }

  test.each(['err', 'error', 'reason'])(
    'under %s shows type, code, stack and cause, and nothing else',
    (name) => {
      const { logger, output, records } = capture();
      logger.error({ [name]: failure() }, 'failed');
      expect(records()[0][name]).toEqual({
        type: 'Error',
        message: 'call failed',
        code: 502,
        stack: expect.stringMatching(/^Error: call failed\n\s+at .*logger\.test\.ts/),
        cause: {
          type: 'TypeError',
          message: 'socket hang up',
          code: 'ECONNRESET',
          stack: expect.stringMatching(/^TypeError: socket hang up\n\s+at /),
        },
      });
      expect(output()).not.toContain(SECRET);
    },
  );

  test('logged on its own gives the line its message', () => {
    const { logger, records } = capture();
    logger.error(failure());
    expect(records()[0]).toMatchObject({ msg: 'call failed', err: { type: 'Error' } });
  });

  test('is cut where its message quotes a body', () => {
    const { logger, output } = capture();
    logger.error({ err: new Error(`HTTP 500: ${'x'.repeat(300)}${SECRET}`) }, 'failed');
    expect(output()).not.toContain(SECRET);
  });

  test('shows the errors that an aggregate holds', () => {
    const { logger, records } = capture();
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    logger.error({ err: new AggregateError([refused, refused]) }, 'failed');
    expect(records()[0].err.errors).toMatchObject([{ code: 'ECONNREFUSED' }, { code: 'ECONNREFUSED' }]);
  });

  test('that is its own cause is logged without endless recursion', () => {
    const loop = new Error('loop');
    loop.cause = loop;
    const { logger, records } = capture();
    logger.error({ err: loop }, 'failed');
    expect(records()[0].err).toMatchObject({ message: 'loop', cause: { message: 'loop' } });
  });
});

describe("Fastify's request log", () => {
  test('names method and path, without query and headers', async () => {
    const { logger, output, records } = capture();
    const app = Fastify({ loggerInstance: logger });
    app.get('/oauth/callback', (request) => {
      request.log.info({ req: request }, 'handling');
      throw new Error('boom');
    });
    await app.inject({
      url: `/oauth/callback?x=${SECRET}#${SECRET}`,
      headers: { authorization: `Bearer ${SECRET}`, cookie: SECRET, 'x-other': SECRET },
    });
    await app.close();
    expect(records()[0].req).toEqual({ method: 'GET', path: '/oauth/callback', remoteAddress: '127.0.0.1' });
    expect(records()).toContainEqual(expect.objectContaining({ res: { statusCode: 500 } }));
    expect(output()).not.toContain(SECRET);
  });
});

describe("Temporal's log", () => {
  test.each([
    ['TRACE', 'trace'],
    ['DEBUG', 'debug'],
    ['INFO', 'info'],
    ['WARN', 'warn'],
    ['ERROR', 'error'],
  ] as const)('goes through ours: %s as %s', (theirs, ours) => {
    const { logger, output, records } = capture();
    const temporal = createTemporalLogger(logger);
    temporal.log(theirs, 'one', { sdkComponent: 'worker', accessToken: SECRET });
    temporal[ours]('two', { workflowId: 'step/alice/1' });
    temporal[ours]('three');
    expect(records()).toMatchObject([
      { level: ours, msg: 'one', sdkComponent: 'worker' },
      { level: ours, msg: 'two', workflowId: 'step/alice/1' },
      { level: ours, msg: 'three' },
    ]);
    expect(output()).not.toContain(SECRET);
  });

  test('obeys our level', () => {
    const { logger, records } = capture('error');
    createTemporalLogger(logger).warn('quiet');
    expect(records()).toEqual([]);
  });

  test('shows errors of the workflow sandbox, which is another realm, like other errors', () => {
    const foreign: unknown = runInContext(
      "Object.assign(new Error('in the sandbox'), { body: 1 })",
      createContext(),
    );
    const { logger, records } = capture();
    createTemporalLogger(logger).error('workflow failed', { error: foreign });
    expect(records()[0].error).toEqual({
      type: 'Error',
      message: 'in the sandbox',
      stack: expect.stringContaining('in the sandbox'),
    });
  });
});
