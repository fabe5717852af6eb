import { raceTimeout } from '../async/deadline.ts';
import { mapConcurrently } from '../async/map-concurrently.ts';
import { checkRegisteredServer, type RegisteredCheck } from '../connect/check-registered-server.ts';
import type { AuthorizationCheck, OAuthCheck } from '../connect/check-server.ts';
import type { Services } from '../process/services.ts';
import type { RegisteredServer } from '../servers/registered-server.ts';
import { createServerStore } from '../servers/server-store.ts';
import { unreachableText } from '../web/servers/unreachable-text.ts';
import { type Check, type Finding, failed, ok, warning } from './doctor-check.ts';

type Dependencies = Pick<Services, 'pool' | 'db' | 'vault' | 'guardedFetch' | 'authorizationServers'> & {
  publicUrl: string;
  version: string;
};

/** Of all servers together. Each one is asked for at most 10 s. */
const TOTAL_MS = 60_000;
/** A little longer than the limit of one check. */
const ONE_MS = 12_000;

/** Asks each registered MCP server how its users would connect. Registers no client and sends no token. */
export async function checkServers(deps: Dependencies): Promise<Check[]> {
  const servers = await createServerStore(deps.pool, deps.vault).list();
  if (servers.length === 0) {
    return [{ check: 'mcp-server', ...ok('none is registered: `latchkey servers add` registers one') }];
  }
  const endsAt = performance.now() + TOTAL_MS;
  return mapConcurrently(servers, async (server) => {
    const left = Math.max(endsAt - performance.now(), 0);
    const finding = await findServer(deps, server, Math.min(left, ONE_MS));
    return { check: 'mcp-server', subject: server.id, ...unlessPaused(server, finding) };
  });
}

async function findServer(deps: Dependencies, server: RegisteredServer, ms: number): Promise<Finding> {
  const tooSlow = () => failed('not checked in time: run this again');
  if (ms === 0) return tooSlow();
  const checking = checkRegisteredServer(deps, server).then(
    (check) => findingOf(server, check),
    () => failed('could not be checked: Postgres did not answer'),
  );
  return raceTimeout({ ms }, checking, tooSlow);
}

/** What is wrong with a paused server holds up no step, so it is only a warning. */
function unlessPaused({ paused }: RegisteredServer, { status, message }: Finding): Finding {
  if (!paused) return { status, message };
  return { status: status === 'failed' ? 'warning' : status, message: `${message} (paused)` };
}

function findingOf(server: RegisteredServer, check: RegisteredCheck): Finding {
  switch (check.kind) {
    case 'address-refused':
      return failed(
        `NETWORK_POLICY does not allow ${server.url}: register another address, or set NETWORK_POLICY=development on a machine for development`,
      );
    case 'unreachable':
      return failed(`${server.url} can't be reached: ${unreachableText(check.cause)}`);
    case 'not-mcp':
      return failed(
        `${server.url} answers (HTTP ${check.status}), but does not speak MCP over Streamable HTTP: correct the path, which often ends with /mcp`,
      );
    case 'unreadable':
      return failed(`its registration can't be read: ${check.message}`);
    case 'mcp':
      return findingOfAuthorization(server, check.authorization);
    default:
      return check satisfies never;
  }
}

function findingOfAuthorization({ auth }: RegisteredServer, authorization: AuthorizationCheck): Finding {
  switch (authorization.kind) {
    case 'open':
      return ok('answers, and needs no connection');
    case 'token':
      return ok('answers, and wants a token; the registered one was not sent');
    case 'blocked':
      return failed(`users can't connect: ${authorization.message}`);
    case 'oauth':
      return auth.type === 'none' ? WANTS_TOKEN : findingOfOAuth(authorization);
    default:
      return authorization satisfies never;
  }
}

const WANTS_TOKEN = failed(
  'it wants a token, and is registered without one: `latchkey servers add --replace`, with --auth oauth2 or bearer',
);

function findingOfOAuth({ issuer, client, isGuess, redirectUri }: OAuthCheck): Finding {
  if (client === undefined) {
    return failed(
      `the authorization server ${issuer} registers no clients by itself: register one there with the redirect URI ${redirectUri}, and its id with \`latchkey servers add --replace --client-id\``,
    );
  }
  if (isGuess) {
    return warning(
      'it wants a token, but publishes no authorization server: the addresses of older servers are tried. Register its endpoints if you know them',
    );
  }
  return ok(`users can connect at ${issuer} (${CLIENT_WORDS[client]})`);
}

const CLIENT_WORDS: Readonly<Record<NonNullable<OAuthCheck['client']>, string>> = {
  operator: 'with your client',
  document: 'client id metadata document',
  registration: 'dynamic client registration',
};
