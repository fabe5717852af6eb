/**
 * Finds the resource metadata of an MCP server. Where they are may be known only from its challenge: connecting sees a
 * challenge, remembers where it led, and renewals look there. What is remembered can be lost or out of date, so a
 * renewal whose grant does not fit what was found asks the MCP server itself for its challenge.
 */
import { cached, hasQuery, type LookupDependencies } from './cached-lookup.ts';
import type { DiscoveryFailure } from './issuer-metadata.ts';
import type { Question } from './metadata-cache.ts';
import type { McpServerParty } from './registered-endpoints.ts';
import { type ResourceOutcome, readResourceMetadata } from './resource-metadata.ts';

export interface ResourceLookup {
  /** Whether the grant can come from there. Otherwise the MCP server is asked for its challenge. */
  fits: (found: ResourceOutcome) => Promise<boolean>;
  /** Whether the authorization server is known without resource metadata, so that their absence is kept too. */
  isKnownWithout: () => Promise<boolean>;
}

/** A grant lives long, and asking for a challenge costs requests. */
const METADATA_URL_TTL_MS = 90 * 24 * 3_600_000;

/** @param challengedUrl null: a challenge names none; undefined: no challenge was seen */
export async function findResource(
  deps: LookupDependencies,
  server: McpServerParty,
  { challengedUrl, ...lookup }: ResourceLookup & { challengedUrl?: string | null | undefined },
): Promise<ResourceOutcome> {
  if (challengedUrl !== undefined) return readChallenged(deps, server, lookup, challengedUrl);
  const remembered = await rememberedUrl(deps, server);
  if (remembered.kind === 'unavailable') return remembered;
  const found = await read(deps, server, lookup, remembered.url);
  if (found.kind === 'unavailable' || (await lookup.fits(found))) return found;
  return (await askForChallenge(deps, server, lookup)) ?? found;
}

/** Undefined: the MCP server does not challenge. */
async function askForChallenge(
  deps: LookupDependencies,
  server: McpServerParty,
  lookup: ResourceLookup,
): Promise<ResourceOutcome | undefined> {
  const { url, headers = {} } = server;
  const probe = await deps.probe?.({ url, headers });
  switch (probe?.kind) {
    case undefined:
    case 'open':
      return undefined;
    case 'unavailable':
      return { kind: 'unavailable', cause: `probe-${probe.cause}` };
    case 'other':
      return isOutageStatus(probe.status)
        ? { kind: 'unavailable', cause: `probe-http-${probe.status}` }
        : undefined;
    case 'challenged':
      return readChallenged({ ...deps, skipCache: true }, server, lookup, probe.resourceMetadataUrl ?? null);
    default:
      return probe satisfies never;
  }
}

function isOutageStatus(status: number): boolean {
  return status >= 500 || status === 429;
}

// A newer challenge replaces what an older one said, also where it leads to a well-known place.
async function readChallenged(
  deps: LookupDependencies,
  server: McpServerParty,
  lookup: ResourceLookup,
  challengedUrl: string | null,
): Promise<ResourceOutcome> {
  const found = await read(deps, server, lookup, challengedUrl ?? undefined);
  if (found.kind === 'named') await remember(deps, server, found.at);
  if (found.kind === 'none') await remember(deps, server, null);
  return found;
}

function read(
  deps: LookupDependencies,
  server: McpServerParty,
  { isKnownWithout }: ResourceLookup,
  metadataUrl: string | undefined,
): Promise<ResourceOutcome> {
  return cached<ResourceOutcome>(deps, {
    question: questionAbout(server, metadataUrl),
    discover: (requests) => readResourceMetadata(requests, server.url, metadataUrl),
    isLasting: async ({ kind }) => kind === 'named' || (kind === 'none' && (await isKnownWithout())),
  });
}

type Remembered = { kind: 'known'; url: string | undefined } | Extract<DiscoveryFailure, { cause: string }>;

// A store that fails is not one that knows nothing: the well-known places may name another authorization server.
async function rememberedUrl({ cache }: LookupDependencies, server: McpServerParty): Promise<Remembered> {
  try {
    const url = await cache.readShared<string | null>(whereOf(server));
    return { kind: 'known', url: url ?? undefined };
  } catch {
    return { kind: 'unavailable', cause: 'metadata-store-failed' };
  }
}

async function remember(
  { cache }: LookupDependencies,
  server: McpServerParty,
  url: string | null,
): Promise<void> {
  await cache.write(whereOf(server), url, METADATA_URL_TTL_MS);
}

function whereOf({ url }: McpServerParty): Question {
  return { parts: ['resource-metadata-url', url], isPrivate: hasQuery(url) };
}

function questionAbout({ url }: McpServerParty, metadataUrl: string | undefined): Question {
  return { parts: ['resource', url, metadataUrl], isPrivate: hasQuery(url) || hasQuery(metadataUrl) };
}
