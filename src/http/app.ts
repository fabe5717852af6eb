import cookie from '@fastify/cookie';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { decorateWithCaller } from './caller.ts';
import type { HttpDependencies, HttpOptions } from './dependencies.ts';
import { limitBodies } from './plugins/body-budget.ts';
import { decorateWithBrowser } from './plugins/browser.ts';
import { createClientErrorHandler, refuseExpectations } from './plugins/connection-errors.ts';
import { acceptJsonOnly } from './plugins/json-body.ts';
import { watchForMethods } from './plugins/method-not-allowed.ts';
import { describeRoutes } from './plugins/openapi.ts';
import { showProblemsToBrowsers } from './plugins/pages.ts';
import { sendProblem, sendProblems } from './plugins/problem-responses.ts';
import { createRateLimiter, limitsOf, registerRateLimit } from './plugins/rate-limit.ts';
import { carryRequestContext } from './plugins/request-context.ts';
import { logRequests, measureRequests } from './plugins/request-log.ts';
import { addResponseHeaders, responseHeaders } from './plugins/response-headers.ts';
import { traceRequests } from './plugins/trace-requests.ts';
import { validatorCompiler } from './plugins/validation.ts';
import { notFound } from './problem.ts';
import { problemOfError } from './problem-of-error.ts';
import { registerRoutes } from './register-routes.ts';
import { requestIdOf } from './request-id.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Time limit for a request to arrive completely. It does not limit long polls, which wait after that. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Large enough that an id's schema checks its length: 255 characters are up to 3,060 when percent-encoded. */
const MAX_PARAM_CHARACTERS = 16 * 1024;

/**
 * Creates the HTTP API (docs/http-api.md). `plugins/` holds what applies to many routes, `routes/` one file per group
 * of routes. What the routes call outside of `http/` is passed in as HttpDependencies.
 *
 * `listen()` serves the API. `close()` ends long polls, lets other requests finish and refuses new connections.
 */
export function createHttpApp(deps: HttpDependencies, options: HttpOptions): FastifyInstance {
  const app = createFastify(deps.logger, options);
  refuseExpectations(app, options.version);
  carryRequestContext(app, deps.requests);
  addResponseHeaders(app, options.version, deps.isDraining);
  sendProblems(app);
  limitBodies(app);
  acceptJsonOnly(app);
  logRequests(app);
  if (deps.tracing !== undefined) traceRequests(app, deps.tracing);
  if (deps.metrics !== undefined) measureRequests(app, deps.metrics);
  decorateWithCaller(app);
  decorateWithBrowser(app);
  app.register(cookie);
  registerRateLimit(app);
  const refuseOtherMethods = watchForMethods(app);
  describeRoutes(app, options);
  app.register(async (scope) => {
    registerRoutes(scope.withTypeProvider<ZodTypeProvider>(), deps, options);
  });
  app.register(async (scope) => {
    await registerUnknown(scope, deps, options);
    await refuseOtherMethods(scope);
  });
  return app;
}

/** What answers addresses that do not exist, and methods that an address does not take. */
async function registerUnknown(
  scope: FastifyInstance,
  { web, changes }: HttpDependencies,
  options: HttpOptions,
): Promise<void> {
  scope.addHook('onRequest', createRateLimiter(scope, limitsOf(options)));
  const { publicUrl } = options;
  showProblemsToBrowsers(scope, { publicUrl, ...web, currentChange: changes.current });
  scope.setNotFoundHandler(async () => {
    throw notFound();
  });
}

function createFastify(
  logger: FastifyBaseLogger,
  { version, trustProxy = false }: HttpOptions,
): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: ({ headers }) => requestIdOf(headers),
    trustProxy,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    http: { requireHostHeader: false },
    // Fastify's own 503 would lack our headers. A request that still arrives is answered normally.
    return503OnClosing: false,
    clientErrorHandler: createClientErrorHandler(version),
    frameworkErrors: (error, request, reply) => {
      sendProblem(problemOfError(error), request, reply.headers(responseHeaders(version, request.id)));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  // The compiler checks response types. A check at run time could only turn a completed operation into a 500.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  return app;
}
