import type { Interaction, InteractionResults, KoaContextWithOIDC, default as Provider } from 'oidc-provider';
import type { AuthorizationServerSettings } from './authorization-server-configuration.ts';
import { consentPage } from './authorization-server-consent-page.ts';
import { readForm } from './request-form.ts';

type Next = () => Promise<void>;

const INTERACTION_PATH = /^\/interaction\/[\w-]+$/;

/** What a person, or a program, says to the page. */
type Answer = { kind: 'allow'; accountId: string } | { kind: 'deny' };

/**
 * Creates middleware for login and consent without a password. A browser gets a page that asks for an account and for
 * consent to all requested scopes at once. Any other program gets no page: the account that `login_hint` names is
 * logged in and consents.
 */
export function createInteractions(provider: Provider, settings: Readonly<AuthorizationServerSettings>) {
  return async (ctx: KoaContextWithOIDC, next: Next): Promise<void> => {
    if (!INTERACTION_PATH.test(ctx.path)) return next();
    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    const answer = settings.denyConsent ? { kind: 'deny' as const } : await answerOf(ctx, interaction);
    if (answer === undefined) return showPage(provider, ctx, interaction);
    const result = await resultOf(provider, interaction, answer);
    ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
    // A redirect that the browser follows with GET, also after the form's POST. RFC 9110 §15.4.4.
    ctx.status = 303;
  };
}

/**
 * Creates middleware that adds `scopes` to authorization requests without `scope`.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6749#section-3.3
 */
export function createDefaultScope(authorizationPath: string, scopes: readonly string[]) {
  return async (ctx: KoaContextWithOIDC, next: Next): Promise<void> => {
    const omitted = ctx.path === authorizationPath && ctx.method === 'GET' && ctx.query.scope === undefined;
    if (omitted) ctx.query = { ...ctx.query, scope: scopes.join(' ') };
    return next();
  };
}

/**
 * Creates middleware that logs a browser out when it is sent back to the client, so that its next authorization asks
 * for the account again: one person may connect several.
 */
export function createLogoutOnReturn(provider: Provider) {
  return async (ctx: KoaContextWithOIDC, next: Next): Promise<void> => {
    await next();
    const location = ctx.response.get('location');
    if (!URL.canParse(location) || new URL(location).origin === new URL(provider.issuer).origin) return;
    ctx.cookies.set(provider.cookieName('session'), null, { overwrite: true });
  };
}

async function answerOf(ctx: KoaContextWithOIDC, interaction: Interaction): Promise<Answer | undefined> {
  const { params, session } = interaction;
  // The form has asked for both at once.
  if (interaction.prompt.name === 'consent') return { kind: 'allow', accountId: session?.accountId ?? '' };
  if (ctx.method === 'POST') return answerOfForm(await readForm(ctx.req));
  const isHint = typeof params.login_hint === 'string' && params.login_hint !== '';
  return isHint && !isBrowser(ctx) ? { kind: 'allow', accountId: String(params.login_hint) } : undefined;
}

function answerOfForm(form: URLSearchParams): Answer | undefined {
  if (form.get('decision') === 'deny') return { kind: 'deny' };
  const accountId = form.get('account')?.trim() ?? '';
  return accountId === '' ? undefined : { kind: 'allow', accountId };
}

/** Programs that send no `Accept`, or one for any type, want no page. */
function isBrowser(ctx: KoaContextWithOIDC): boolean {
  return ctx.get('accept').includes('text/html');
}

async function showPage(provider: Provider, ctx: KoaContextWithOIDC, { params }: Interaction): Promise<void> {
  const client = await provider.Client.find(String(params.client_id));
  ctx.type = 'html';
  ctx.set('cache-control', 'no-store');
  ctx.body = consentPage({
    clientName: client?.clientName ?? String(params.client_id),
    scopes: String(params.scope ?? '').split(' '),
    resource: typeof params.resource === 'string' ? params.resource : undefined,
    account: typeof params.login_hint === 'string' ? params.login_hint : '',
  });
}

async function resultOf(
  provider: Provider,
  interaction: Interaction,
  answer: Answer,
): Promise<InteractionResults> {
  if (answer.kind === 'deny') return { error: 'access_denied', error_description: 'consent was refused' };
  if (interaction.prompt.name === 'consent') return consent(provider, interaction, answer.accountId);
  return { login: { accountId: answer.accountId } };
}

async function consent(
  provider: Provider,
  interaction: Interaction,
  accountId: string,
): Promise<InteractionResults> {
  const { missingOIDCScope, missingResourceScopes } = missingOf(interaction);
  const grant = new provider.Grant({ accountId, clientId: String(interaction.params.client_id) });
  if (missingOIDCScope !== undefined) grant.addOIDCScope(missingOIDCScope.join(' '));
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return { consent: { grantId: await grant.save() } };
}

function missingOf({ prompt }: Interaction) {
  // The cast is needed because `details` is untyped. The checks of oidc-provider's consent prompt set these members.
  return prompt.details as {
    missingOIDCScope?: string[];
    missingResourceScopes?: Record<string, string[]>;
  };
}
