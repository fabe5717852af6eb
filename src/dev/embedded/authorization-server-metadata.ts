import type { KoaContextWithOIDC } from 'oidc-provider';

const PATHS = ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'];

/** Creates middleware that changes what the server says about itself, not what it does. */
export function createMetadataOverrides(changes: Readonly<Record<string, unknown>>) {
  return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
    await next();
    // JSON leaves out undefined members.
    if (PATHS.includes(ctx.path) && ctx.status === 200) ctx.body = { ...Object(ctx.body), ...changes };
  };
}
