import { setTimeout as delay } from 'node:timers/promises';
import type { AuthorizationServer } from '../../src/dev/embedded/authorization-server.ts';
import { authorizeHeadlessly } from '../../src/dev/embedded/authorize-headlessly.ts';
import type { GrantLedger } from './grant-ledger.ts';
import type { PersistentCaller } from './persistent-caller.ts';
import type { Random } from './random.ts';

export const MCP_SERVER_ID = 'ledger';
export const REDIRECT_URI = 'http://127.0.0.1/callback';

export interface UserDependencies {
  authorizationServer: AuthorizationServer;
  clientId: string;
  ledger: GrantLedger;
  caller: PersistentCaller;
  resource: string;
  /** What deposits name. */
  tokenEndpoint: string;
  random: Random;
}

/** A person: consents, withdraws the consent, and reconnects when Latchkey asks. One thing at a time. */
export interface User {
  readonly id: string;
  /** A new consent, deposited: also in place of one that still works. */
  connect(): Promise<void>;
  /** At the authorization server, without a word to Latchkey. */
  withdraw(): Promise<void>;
  /** Reconnects where Latchkey asks for it. */
  lookAfterConnection(): Promise<void>;
  /** How often Latchkey has asked, by reason. */
  readonly asked: ReadonlyMap<string, number>;
}

const SLOWEST_REACTION_MS = 4_000;

export function createUser(id: string, deps: UserDependencies): User {
  const asked = new Map<string, number>();
  let last: Promise<void> = Promise.resolve();
  const oneAtATime = (work: () => Promise<void>) => {
    last = last.then(work, work);
    return last;
  };
  return {
    id,
    asked,
    connect: () => oneAtATime(() => consentAndDeposit(deps, id)),
    withdraw: () =>
      oneAtATime(async () => {
        deps.ledger.withdrawn(id);
        deps.authorizationServer.control.revokeGrants(id);
      }),
    lookAfterConnection: () =>
      oneAtATime(async () => {
        const reason = await reasonToReconnect(deps, id);
        if (reason === undefined) return;
        asked.set(reason, (asked.get(reason) ?? 0) + 1);
        deps.ledger.userAsked(id, reason);
        await delay(deps.random.int(0, SLOWEST_REACTION_MS));
        await consentAndDeposit(deps, id);
      }),
  };
}

async function reasonToReconnect({ caller }: UserDependencies, id: string): Promise<string | undefined> {
  const answer = await caller.askOnce(id, 'GET /mcp-oauth-credentials');
  if (answer?.status !== 200) return undefined;
  // The cast trusts our own API's contract.
  const { connections } = answer.body as { connections: { status: string; reason?: string }[] };
  const broken = connections.find(({ status }) => status === 'reauth-required');
  return broken && (broken.reason ?? 'no reason');
}

async function consentAndDeposit(deps: UserDependencies, id: string): Promise<void> {
  const { authorizationServer, clientId, ledger, caller, resource, tokenEndpoint } = deps;
  const tokens = await authorizeHeadlessly({
    issuer: authorizationServer.issuer,
    clientId,
    redirectUri: REDIRECT_URI,
    resource,
    accountId: id,
  });
  ledger.consented(id, tokens.refreshToken);
  const deposit = {
    mcpServerId: MCP_SERVER_ID,
    refreshToken: tokens.refreshToken,
    accessToken: tokens.accessToken,
    expiresIn: tokens.expiresIn,
    tokenEndpoint,
    clientId,
    resource,
  };
  const { status, body } = await caller.ask(id, 'POST /mcp-oauth-credentials', deposit);
  if (status !== 200) throw new Error(`the deposit of ${id} was refused: ${status} ${JSON.stringify(body)}`);
}
