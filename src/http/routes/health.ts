import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseUnmigrated } from '../../db/migrations.ts';
import { healthSchema } from '../../schemas/http-health.ts';
import type { HttpDependencies } from '../dependencies.ts';
import type { HttpApp } from '../http-app.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { DATABASE_UNMIGRATED, HttpProblem } from '../problem.ts';

const CHECK_WITHIN_MS = 2_000;

type Check = 'ok' | 'unmigrated' | 'down';

export function registerHealth(
  app: HttpApp,
  { checks, isDraining }: Pick<HttpDependencies, 'checks' | 'isDraining'>,
  version: string,
): void {
  const postgres = shared(checks.postgres);
  const temporal = shared(checks.temporal);
  app.get('/health', {
    schema: {
      operationId: 'health',
      summary: 'Whether this process serves',
      tags: ['Operation'],
      ...WITHOUT_TOKEN,
      response: { 200: healthSchema },
    },
    handler: async () => {
      const [postgresIs, temporalIs] = await Promise.all([postgres(), temporal()]);
      const body = { version, checks: { postgres: upOrDown(postgresIs), temporal: upOrDown(temporalIs) } };
      if (isDraining())
        throw new HttpProblem(503, 'draining', 'This process is about to end.', { members: body });
      if (postgresIs !== 'ok') {
        const detail = postgresIs === 'down' ? 'The database is unavailable.' : DATABASE_UNMIGRATED;
        throw new HttpProblem(503, 'database-unavailable', detail, { members: body });
      }
      return { status: temporalIs === 'ok' ? ('ok' as const) : ('degraded' as const), ...body };
    },
  });
}

function upOrDown(check: Check): 'ok' | 'down' {
  return check === 'ok' ? 'ok' : 'down';
}

/** One check at a time, however many ask: this route needs no token. */
function shared(check: () => Promise<void>): () => Promise<Check> {
  let running: Promise<Check> | undefined;
  return () => {
    running ??= outcomeOf(check).finally(() => {
      running = undefined;
    });
    return running;
  };
}

async function outcomeOf(check: () => Promise<void>): Promise<Check> {
  const deadline = new AbortController();
  const late = delay(CHECK_WITHIN_MS, 'down' as const, { signal: deadline.signal }).catch(
    () => 'down' as const,
  );
  const answer = check().then(
    () => 'ok' as const,
    (error: unknown) => (error instanceof DatabaseUnmigrated ? ('unmigrated' as const) : ('down' as const)),
  );
  return Promise.race([answer, late]).finally(() => deadline.abort());
}
