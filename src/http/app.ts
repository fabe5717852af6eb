import cookie from '@fastify/cookie';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { MemoryBudget } from '../async/memory-budget.ts';
import { createResultBudget } from '../results/result-budget.ts';
import { listBindingOf } from '../tools/list-binding.ts';
import { createListBudget } from '../tools/list-budget.ts';
import { createToolFinder, type ToolFinder } from '../tools/tool-finder.ts';
import { decorateWithCaller } from './caller.ts';
import type { HttpApp, HttpDependencies, HttpOptions } from './dependencies.ts';
import { createAuthenticator, createCallerCheck } from './plugins/authenticate.ts';
import { limitBodies } from './plugins/body-budget.ts';
import { decorateWithBrowser } from './plugins/browser.ts';
import { allowOrigins, answerPreflights } from './plugins/codec-origins.ts';
import { createClientErrorHandler, refuseExpectations } from './plugins/connection-errors.ts';
import { acceptJsonOnly } from './plugins/json-body.ts';
import { watchForMethods } from './plugins/method-not-allowed.ts';
import { describeRoutes } from './plugins/openapi.ts';
import { servePages, showProblemsToBrowsers } from './plugins/pages.ts';
import { sendProblem, sendProblems } from './plugins/problem-responses.ts';
import { createKeyLimiter, createRateLimiter, type Limits, registerRateLimit } from './plugins/rate-limit.ts';
import { carryRequestContext } from './plugins/request-context.ts';
import { logRequests, measureRequests } from './plugins/request-log.ts';
import { addResponseHeaders, responseHeaders } from './plugins/response-headers.ts';
import { traceRequests } from './plugins/trace-requests.ts';
import { validatorCompiler } from './plugins/validation.ts';
import { writeInTurns } from './plugins/write-in-turns.ts';
import { notFound } from './problem.ts';
import { problemOfError } from './problem-of-error.ts';
import { requestIdOf } from './request-id.ts';
import { registerAddServer } from './routes/add-server.ts';
import { registerAdminAudit } from './routes/admin-audit.ts';
import { registerAdminConnections } from './routes/admin-connections.ts';
import { registerAdminSteps } from './routes/admin-steps.ts';
import { registerAssets } from './routes/assets.ts';
import { registerClientMetadata } from './routes/client-metadata.ts';
import { CODEC_URLS, registerCodec } from './routes/codec.ts';
import { registerConnect } from './routes/connect.ts';
import { registerConnectCallback } from './routes/connect-callback.ts';
import { registerConnectOutcome } from './routes/connect-outcome.ts';
import { registerConfirmConnectSession, registerConnectSessions } from './routes/connect-sessions.ts';
import { registerConnections } from './routes/connections.ts';
import { registerDocumentation } from './routes/documentation.ts';
import { registerEvents } from './routes/events.ts';
import { registerHealth } from './routes/health.ts';
import { registerHome } from './routes/home.ts';
import { registerListMcpTools } from './routes/list-mcp-tools.ts';
import { registerMcpOauthCredentials } from './routes/mcp-oauth-credentials.ts';
import { registerMcpServers } from './routes/mcp-servers.ts';
import { registerMcpTools } from './routes/mcp-tools.ts';
import { registerOperationsPages } from './routes/operations-pages.ts';
import { registerPreflight } from './routes/preflight.ts';
import { registerServersPages } from './routes/servers-pages.ts';
import { registerSignIn } from './routes/sign-in.ts';
import { registerSignInCallback } from './routes/sign-in-callback.ts';
import { registerCreateSignInLink, registerSignInLinkPages } from './routes/sign-in-links.ts';
import { registerStart } from './routes/start.ts';
import { registerStepContent } from './routes/step-content.ts';
import { registerStepDecisions } from './routes/step-decisions.ts';
import { registerStepPage } from './routes/step-page.ts';
import { registerStepPageDecisions } from './routes/step-page-decisions.ts';
import { registerSteps } from './routes/steps.ts';
import { createTokenVerifier } from './token-verifier.ts';

const BODY_LIMIT_BYTES = 1024 * 1024;
/** Time limit for a request to arrive completely. It does not limit long polls, which wait after that. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Large enough that an id's schema checks its length: 255 characters are up to 3,060 when percent-encoded. */
const MAX_PARAM_CHARACTERS = 16 * 1024;
const DEFAULT_REQUESTS_PER_MINUTE = 6_000;
const DEFAULT_SERVICE_REQUESTS_PER_MINUTE = 60_000;
const DEFAULT_SIGN_INS_PER_MINUTE = 60;
const DEFAULT_BEGINS_PER_MINUTE = 10;

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

function limitsOf({
  requestsPerMinute: perUser = DEFAULT_REQUESTS_PER_MINUTE,
  addressRequestsPerMinute: perAddress = perUser,
}: HttpOptions): Limits {
  return { perUser, perAddress };
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

function registerRoutes(app: HttpApp, deps: HttpDependencies, options: HttpOptions): void {
  const { publicUrl, returnOrigins, codecOrigins = [] } = options;
  const limitRate = createRateLimiter(app, limitsOf(options));
  const { serviceRequestsPerMinute = DEFAULT_SERVICE_REQUESTS_PER_MINUTE } = options;
  const limitServices = createKeyLimiter(app, serviceRequestsPerMinute);
  const verify = createTokenVerifier(options.jwt);
  const byToken = createAuthenticator({ verify, limitRate, limitServices });
  const browser = { publicUrl, ...deps.web };
  const byTokenOrSession = createAuthenticator({ verify, limitRate, limitServices, browser });
  const lists = createListBudget(options.lists);
  const results = createResultBudget(options.results);
  const tools = createToolFinder({
    listTools: deps.listTools,
    lists,
    bindingOf: (key) => listBindingOf(deps, key),
  });
  // Outside of the rate limit, because load balancers call it all the time.
  registerHealth(app, deps, options.version);
  app.register(async (scope) => {
    scope.addHook('onRequest', limitRate);
    registerUnauthenticated(scope.withTypeProvider<ZodTypeProvider>(), { ...deps, tools, results }, options);
  });
  app.register(async (scope) => {
    allowOrigins(scope, codecOrigins);
    answerPreflights(scope, codecOrigins, { urls: Object.values(CODEC_URLS), limitRate });
    scope.register(async (codec) => {
      codec.addHook('onRequest', byToken);
      registerCodec(codec.withTypeProvider<ZodTypeProvider>(), deps);
    });
  });
  app.register(async (scope) => {
    scope.addHook('onRequest', byToken);
    const typed = scope.withTypeProvider<ZodTypeProvider>();
    const { audit, web } = deps;
    registerCreateSignInLink(typed, { audit, links: web.links }, { publicUrl, origins: returnOrigins });
    registerConfirmConnectSession(typed, deps);
  });
  app.register(async (scope) => {
    scope.addHook('onRequest', byTokenOrSession);
    writeInTurns(scope);
    const typed = scope.withTypeProvider<ZodTypeProvider>();
    registerApi(typed, { ...deps, lists, results }, options);
    const isStillCaller = createCallerCheck({ verify, browser });
    registerEvents(typed, { ...deps, isStillCaller }, options.events);
  });
}

type PageDependencies = HttpDependencies & { tools: ToolFinder; results: MemoryBudget };

/** What is open to everyone: pages for browsers, what they load, and the documentation. */
function registerUnauthenticated(app: HttpApp, deps: PageDependencies, options: HttpOptions): void {
  const { publicUrl, signInsPerMinute = DEFAULT_SIGN_INS_PER_MINUTE } = options;
  const limitSignIns = createRateLimiter(app, { perUser: signInsPerMinute, perAddress: signInsPerMinute });
  registerAssets(app);
  registerClientMetadata(app, deps);
  registerDocumentation(app, publicUrl);
  app.register(async (scope) => {
    servePages(scope, { publicUrl, ...deps.web, currentChange: deps.changes.current }, limitSignIns);
    registerPages(scope.withTypeProvider<ZodTypeProvider>(), deps, options);
  });
}

function registerPages(app: HttpApp, deps: PageDependencies, options: HttpOptions): void {
  const { publicUrl, beginsPerMinute = DEFAULT_BEGINS_PER_MINUTE } = options;
  const { signIn, links } = deps.web;
  registerHome(app, deps, publicUrl);
  registerConnections(app, deps, publicUrl);
  registerAddServer(app, deps, publicUrl);
  registerServersPages(app, deps, publicUrl);
  registerOperationsPages(app, deps, publicUrl);
  registerStepPage(app, deps);
  registerStepPageDecisions(app, deps);
  registerStepContent(app, deps);
  registerStart(app, deps, publicUrl);
  registerSignIn(app, { signIn, publicUrl });
  registerSignInCallback(app, { signIn, publicUrl });
  registerSignInLinkPages(app, links, publicUrl);
  const limitBegins = createKeyLimiter(app, beginsPerMinute);
  registerConnect(app, { ...deps, limitBegins });
  registerConnectCallback(app, deps);
  registerConnectOutcome(app, { ...deps, limitBegins });
}

function registerApi(
  api: HttpApp,
  deps: HttpDependencies & { lists: MemoryBudget; results: MemoryBudget },
  { publicUrl }: HttpOptions,
): void {
  registerMcpServers(api, deps);
  registerMcpOauthCredentials(api, deps);
  registerConnectSessions(api, deps);
  registerListMcpTools(api, deps, publicUrl);
  registerSteps(api, deps);
  registerStepDecisions(api, deps);
  registerMcpTools(api, deps);
  registerPreflight(api, deps, publicUrl);
  registerAdminSteps(api, deps);
  registerAdminConnections(api, deps);
  registerAdminAudit(api, deps);
}
