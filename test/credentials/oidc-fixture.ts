import type { CredentialKey } from '../../src/contracts/activities.ts';
import type { Renewal } from '../../src/credentials/refresh/renewal.ts';
import type { RenewalOutcome } from '../../src/credentials/refresh/renewal-outcome.ts';
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../src/dev/embedded/authorization-server.ts';
import type { RegisteredClient } from '../../src/dev/embedded/authorization-server-clients.ts';
import { authorizeHeadlessly } from '../../src/dev/embedded/authorize-headlessly.ts';
import type { Deposit } from '../../src/schemas/deposit.ts';
import type { RegisteredServer } from '../../src/servers/registered-server.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { type CredentialFixture, createCredentialFixture } from './credential-fixture.ts';
import { readTokens, readVersions } from './credential-row.ts';

/** Credentials against a real authorization server that revokes a grant when a refresh token is reused. */
export interface OidcFixture extends CredentialFixture {
  authorizationServer: AuthorizationServer;
  client: RegisteredClient;
  server: RegisteredServer;
  /** Makes a real code exchange and returns its tokens without a deposit. */
  consent(key: CredentialKey): Promise<Partial<Deposit>>;
  /** Consents and deposits for a user, by default a new one. */
  connect(key?: CredentialKey): Promise<CredentialKey>;
  /** Renews with the stored versions as the ones that failed. */
  renew(key: CredentialKey, renewal?: Renewal): Promise<RenewalOutcome>;
  /** Refresh requests of the user that the authorization server has processed. */
  grants(key: CredentialKey): { succeeded: number; failed: number };
  /** Whether the authorization server accepts the stored access token. */
  isAlive(key: CredentialKey, vault?: Vault): Promise<boolean>;
}

const REDIRECT_URI = 'http://127.0.0.1:9/callback';

export async function createOidcFixture(): Promise<OidcFixture> {
  const fixture = await createCredentialFixture();
  const authorizationServer = await startAuthorizationServer();
  const client = await authorizationServer.registerClient({ redirectUris: [REDIRECT_URI] });
  const server = await fixture.register();
  const oidc: OidcFixture = {
    ...fixture,
    authorizationServer,
    client,
    server,
    async consent({ userId: accountId }) {
      const { issuer } = authorizationServer;
      const resource = server.url;
      const { scope: _, ...tokens } = await authorizeHeadlessly({
        ...client,
        issuer,
        resource,
        accountId,
        redirectUri: REDIRECT_URI,
      });
      return { ...tokens, clientId: client.clientId, resource };
    },
    async connect(key = fixture.newKey(server)) {
      const outcome = await fixture.deposit(key, await oidc.consent(key));
      if (outcome.kind !== 'stored') throw new Error(`the deposit was not stored: ${outcome.kind}`);
      return key;
    },
    renew: async (key, renewal = fixture.renewal) =>
      renewal.renew(key, await readVersions(fixture.pool, key)),
    grants: ({ userId: accountId }) => authorizationServer.stats.tokenGrants('refresh_token', { accountId }),
    async isAlive(key, vault = fixture.vault) {
      const { accessToken = '' } = await readTokens({ ...fixture, vault }, key);
      return isActive(authorizationServer, accessToken);
    },
    async stop() {
      await authorizationServer.stop();
      await fixture.stop();
    },
  };
  return oidc;
}

/** Asks the authorization server whether a token is active. RFC 7662. */
export async function isActive(server: AuthorizationServer, token: string): Promise<boolean> {
  const { clientId, clientSecret } = server.introspectionClient;
  const response = await fetch(server.introspectionEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` },
    body: new URLSearchParams({ token }),
  });
  // RFC 7662 §2.2.
  return ((await response.json()) as { active: boolean }).active;
}
