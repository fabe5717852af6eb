import type { OidcSignIn } from './oidc/oidc-sign-in.ts';

/** How users sign in to the web page by themselves. */
export type SignIn =
  /** Without a password, as this user or any other; only in `latchkey dev`, and only on the machine itself. */
  | { kind: 'development'; userId: string }
  | { kind: 'oidc'; oidc: OidcSignIn }
  /** Not at all: only the links that `POST /sign-in-links` creates sign in. */
  | { kind: 'links' };
