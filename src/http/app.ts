import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { createListBudget } from '../tools/list-budget.ts';
import { addAnswerHeaders, answerHeaders } from './answer-headers.ts';
import { answerProblem, answerProblems } from './answer-problems.ts';
import { createAuthenticator } from './authenticate.ts';
import { limitBodies } from './body-budget.ts';
import { decorateWithCaller } from './caller.ts';
import { allowOrigins, answerPreflights } from './codec-origins.ts';
import { createClientErrorHandler, refuseExpectations } from './connection-errors.ts';
import type { HttpDependencies, HttpOptions } from './dependencies.ts';
import type { HttpApp } from './http-app.ts';
import { acceptJsonOnly } from './json-body.ts';
import { watchForMethods } from './method-not-allowed.ts';
import { describeRoutes } from './openapi.ts';
import { problemOfError } from './problem-of-error.ts';
import { createRateLimiter, registerRateLimit } from './rate-limit.ts';
import { logRequests } from './request-log.ts';
import { CODEC_URLS, registerCodec } from './routes/codec.ts';
import { registerConnect } from './routes/connect.ts';
import { registerDocumentation } from './routes/documentation.ts';
import { registerHealth } from './routes/health.ts';
import { registerListMcpTools } from './routes/list-mcp-tools.ts';
import { registerMcpOauthCredentials } from './routes/mcp-oauth-credentials.ts';
import { registerMcpServers } from './routes/mcp-servers.ts';
import { registerMcpTools } from './routes/mcp-tools.ts';
import { registerNotAvailable, registerNotAvailablePages } from './routes/not-available.ts';
import { registerStepDecisions } from './routes/step-decisions.ts';
import { registerSteps } from './routes/steps.ts';
import { createTokenVerifier } from './token-verifier.ts';
import { validatorCompiler } from './validation.ts';
import { writeInTurns } from './write-in-turns.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
/** For the whole request to arrive; long polls are not bound by it. */
const REQUEST_TIMEOUT_MS = 60_000;
/** So that ids are judged by their schema: 255 characters are up to 3,060 when percent-encoded. */
const MAX_PARAM_CHARACTERS = 16 * 1024;
const DEFAULT_REQUESTS_PER_MINUTE = 6_000;

/**
 * The HTTP API. `listen()` serves it; `close()` ends long polls, lets other requests finish and refuses new
 * connections.
 */
export function createHttpApp(deps: HttpDependencies, options: HttpOptions): FastifyInstance {
  const app = createFastify(deps.logger, options);
  refuseExpectations(app, options.version);
  addAnswerHeaders(app, options.version, deps.isDraining);
  answerProblems(app);
  limitBodies(app);
  acceptJsonOnly(app);
  logRequests(app);
  decorateWithCaller(app);
  registerRateLimit(app);
  const refuseOtherMethods = watchForMethods(app);
  describeRoutes(app, options);
  app.register(async (scope) => {
    registerRoutes(scope.withTypeProvider<ZodTypeProvider>(), deps, options);
  });
  app.register(refuseOtherMethods);
  return app;
}

function createFastify(
  logger: FastifyBaseLogger,
  { version, trustProxy = false }: HttpOptions,
): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    trustProxy,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    http: { requireHostHeader: false },
    // Its own 503 would lack our headers; whoever still gets through is answered as usual.
    return503OnClosing: false,
    clientErrorHandler: createClientErrorHandler(version),
    frameworkErrors: (error, request, reply) => {
      answerProblem(problemOfError(error), request, reply.headers(answerHeaders(version)));
    },
  });
  app.setValidatorCompiler(validatorCompiler);
  // Answers are typed by their schemas. Checking them again could only turn what has been done into a 500.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body));
  return app;
}

function registerRoutes(app: HttpApp, deps: HttpDependencies, options: HttpOptions): void {
  const limitRate = createRateLimiter(app, options.requestsPerMinute ?? DEFAULT_REQUESTS_PER_MINUTE);
  const authenticate = createAuthenticator(createTokenVerifier(options.jwt), limitRate);
  // Load balancers are not counted.
  registerHealth(app, deps, options.version);
  app.register(async (scope) => {
    scope.addHook('onRequest', limitRate);
    registerPages(scope.withTypeProvider<ZodTypeProvider>(), deps, options.publicUrl);
  });
  app.register(async (scope) => {
    const { codecOrigins = [] } = options;
    allowOrigins(scope, codecOrigins);
    answerPreflights(scope, codecOrigins, { urls: Object.values(CODEC_URLS), limitRate });
    scope.register(async (codec) => {
      codec.addHook('onRequest', authenticate);
      registerCodec(codec.withTypeProvider<ZodTypeProvider>(), deps);
    });
  });
  app.register(async (scope) => {
    scope.addHook('onRequest', authenticate);
    writeInTurns(scope);
    registerApi(scope.withTypeProvider<ZodTypeProvider>(), deps, options.publicUrl);
  });
}

function registerPages(app: HttpApp, deps: HttpDependencies, publicUrl: string): void {
  registerConnect(app, deps);
  registerNotAvailablePages(app);
  registerDocumentation(app, publicUrl);
}

function registerApi(api: HttpApp, deps: HttpDependencies, publicUrl: string): void {
  registerMcpServers(api, deps);
  registerMcpOauthCredentials(api, deps);
  const lists = createListBudget();
  registerListMcpTools(api, { ...deps, lists }, publicUrl);
  registerSteps(api, deps);
  registerStepDecisions(api, deps);
  registerMcpTools(api, { ...deps, lists });
  registerNotAvailable(api);
}
