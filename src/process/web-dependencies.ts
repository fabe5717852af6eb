import type { ServerConfig } from '../config/load-config.ts';
import type { WebDependencies } from '../http/dependencies.ts';
import { csrfKeys } from '../web/csrf-token.ts';
import { createOidcSignIn } from '../web/oidc/oidc-sign-in.ts';
import { createWebSessions } from '../web/session-store.ts';
import type { SignIn } from '../web/sign-in.ts';
import { createSignInLinks } from '../web/sign-in-link-store.ts';
import type { Services } from './services.ts';

/** @param developmentUser the user of the development sign-in; undefined: there is none */
export function createWebDependencies(
  config: ServerConfig,
  services: Services,
  developmentUser: string | undefined,
): WebDependencies {
  return {
    sessions: createWebSessions(services.db),
    csrfKeys: csrfKeys(services.keyRing.fingerprintKeys),
    links: createSignInLinks(services.db),
    signIn: signInOf(config, services, developmentUser),
  };
}

function signInOf(
  { oidc, publicUrl }: ServerConfig,
  services: Services,
  developmentUser: string | undefined,
): SignIn {
  if (oidc !== undefined) {
    const settings = { ...oidc, clientSecret: oidc.clientSecret?.reveal(), publicUrl };
    return { kind: 'oidc', oidc: createOidcSignIn(services, settings) };
  }
  return developmentUser === undefined ? { kind: 'links' } : { kind: 'development', userId: developmentUser };
}
