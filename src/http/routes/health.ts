import { z } from 'zod';
import { raceTimeout } from '../../async/deadline.ts';
import { DatabaseUnmigrated } from '../../db/migrations.ts';
import type { HttpApp, HttpDependencies } from '../dependencies.ts';
import { WITHOUT_TOKEN } from '../plugins/openapi.ts';
import { DATABASE_UNMIGRATED, HttpProblem } from '../problem.ts';

const CHECK_TIMEOUT_MS = 2_000;

type Check = 'ok' | 'unmigrated' | 'down';

const checkSchema = z.enum(['ok', 'down']);

/** The body of the answer while the process serves requests. */
const healthSchema = z
  .object({
    status: z.enum(['ok', 'degraded']).describe('degraded: Temporal is down; deposits still work.'),
    version: z.string(),
    checks: z.object({ postgres: checkSchema, temporal: checkSchema }),
  })
  .meta({ id: 'Health' });

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
      summary: 'Whether this process serves requests',
      tags: ['Operation'],
      ...WITHOUT_TOKEN,
      response: { 200: healthSchema },
    },
    handler: async () => {
      const [postgresCheck, temporalCheck] = await Promise.all([postgres(), temporal()]);
      const checks = { postgres: upOrDown(postgresCheck), temporal: upOrDown(temporalCheck) };
      const body = { version, checks };
      if (isDraining())
        throw new HttpProblem(503, 'draining', 'This process is shutting down.', { members: body });
      if (postgresCheck !== 'ok') {
        const detail = postgresCheck === 'down' ? 'The database is unavailable.' : DATABASE_UNMIGRATED;
        throw new HttpProblem(503, 'database-unavailable', detail, { members: body });
      }
      return { status: temporalCheck === 'ok' ? ('ok' as const) : ('degraded' as const), ...body };
    },
  });
}

function upOrDown(check: Check): 'ok' | 'down' {
  return check === 'ok' ? 'ok' : 'down';
}

/** Shares one running check among all requests, because this route needs no token and could be flooded. */
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
  const outcome = check().then(
    () => 'ok' as const,
    (error: unknown) => (error instanceof DatabaseUnmigrated ? ('unmigrated' as const) : ('down' as const)),
  );
  return raceTimeout({ ms: CHECK_TIMEOUT_MS }, outcome, () => 'down' as const);
}
