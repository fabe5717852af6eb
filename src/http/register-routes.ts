import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { MemoryBudget } from '../async/memory-budget.ts';
import { createResultBudget } from '../results/result-budget.ts';
import { listBindingOf } from '../tools/list-binding.ts';
import { createListBudget } from '../tools/list-budget.ts';
import { createToolFinder, type ToolFinder } from '../tools/tool-finder.ts';
import type { HttpApp, HttpDependencies, HttpOptions } from './dependencies.ts';
import { createAuthenticator, createCallerCheck } from './plugins/authenticate.ts';
import { allowOrigins, answerPreflights } from './plugins/codec-origins.ts';
import { servePages } from './plugins/pages.ts';
import { createKeyLimiter, createRateLimiter, limitsOf } from './plugins/rate-limit.ts';
import { writeInTurns } from './plugins/write-in-turns.ts';
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

const DEFAULT_SERVICE_REQUESTS_PER_MINUTE = 60_000;
const DEFAULT_SIGN_INS_PER_MINUTE = 60;
const DEFAULT_BEGINS_PER_MINUTE = 10;

/** Registers every route, each with the way in which its callers are known and how often they may ask. */
export function registerRoutes(app: HttpApp, deps: HttpDependencies, options: HttpOptions): void {
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
