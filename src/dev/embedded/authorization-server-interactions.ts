import type { Interaction, InteractionResults, KoaContextWithOIDC, default as Provider } from 'oidc-provider';
import type { AuthorizationServerSettings } from './authorization-server-configuration.ts';

type Next = () => Promise<void>;

const INTERACTION_PATH = /^\/interaction\/[\w-]+$/;

/**
 * Creates middleware for login and consent without a password. It logs in the account that `login_hint` or
 * `?account=` names, and consents to all requested scopes at once. Without a name, it shows a form that asks for one.
 */
export function createInteractions(provider: Provider, settings: Readonly<AuthorizationServerSettings>) {
  return async (ctx: KoaContextWithOIDC, next: Next): Promise<void> => {
    if (ctx.method !== 'GET' || !INTERACTION_PATH.test(ctx.path)) return next();
    const interaction = await provider.interactionDetails(ctx.req, ctx.res);
    const result = await answerPrompt(provider, settings, interaction, accountNamed(ctx, interaction));
    if (result === undefined) askForAccount(ctx);
    else ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result));
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

function accountNamed(ctx: KoaContextWithOIDC, { params }: Interaction): string | undefined {
  const name = ctx.query.account ?? params.login_hint;
  return typeof name === 'string' && name !== '' ? name : undefined;
}

async function answerPrompt(
  provider: Provider,
  settings: Readonly<AuthorizationServerSettings>,
  interaction: Interaction,
  accountId: string | undefined,
): Promise<InteractionResults | undefined> {
  if (settings.denyConsent) return { error: 'access_denied', error_description: 'consent was refused' };
  if (interaction.prompt.name === 'consent') return consent(provider, interaction);
  return accountId === undefined ? undefined : { login: { accountId } };
}

async function consent(provider: Provider, interaction: Interaction): Promise<InteractionResults> {
  const { missingOIDCScope, missingResourceScopes } = missingOf(interaction);
  const grant = await findOrCreateGrant(provider, interaction);
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

// A second consent in the same browser session extends the same grant, so a revocation ends both token families.
async function findOrCreateGrant(provider: Provider, { grantId, session, params }: Interaction) {
  const existing = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  if (existing !== undefined) return existing;
  const accountId = session?.accountId;
  if (accountId === undefined) throw new Error('consent was asked for before login');
  return new provider.Grant({ accountId, clientId: String(params.client_id) });
}

function askForAccount(ctx: KoaContextWithOIDC): void {
  ctx.type = 'html';
  ctx.body = `<!doctype html><html lang="en"><title>Sign in</title><meta name="viewport" content="width=device-width">
<body style="font:1.1rem system-ui;max-width:24rem;margin:4rem auto">
<h1>Demo sign-in</h1><p>No password here: any name will do.</p>
<form><label>Account <input name="account" required autofocus></label> <button>Sign in and allow</button></form>
</body></html>`;
}
