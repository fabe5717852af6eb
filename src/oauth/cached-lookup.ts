import type { GuardedFetch } from '../net/network.ts';
import { classifyErrors } from './discovery-errors.ts';
import type { DiscoveryFailure, IssuerDependencies, RefusesUrl } from './issuer-metadata.ts';
import type { MetadataCache, Question } from './metadata-cache.ts';
import { createRequestMetadata } from './metadata-request.ts';

/** Asks an MCP server, without a token, how it wants requests to be authorized. */
export type ProbeMcpServer = (target: {
  url: string;
  headers: Record<string, string>;
}) => Promise<
  | { kind: 'challenged'; resourceMetadataUrl?: string }
  | { kind: 'open' }
  | { kind: 'other'; status: number }
  | { kind: 'unavailable'; cause: string }
>;

export interface LookupDependencies {
  guardedFetch: GuardedFetch;
  refusesUrl: RefusesUrl;
  probe: ProbeMcpServer | undefined;
  cache: MetadataCache;
  skipCache: boolean;
}

export const METADATA_TTL_MS = 3_600_000;

/** Returns the known answer, or discovers it and keeps it if it is lasting. */
export async function cached<T extends object>(
  { guardedFetch, refusesUrl, cache, skipCache }: LookupDependencies,
  {
    question,
    discover,
    isLasting,
  }: {
    question: Question;
    discover: (requests: IssuerDependencies) => Promise<T>;
    isLasting: (answer: T | DiscoveryFailure) => boolean | Promise<boolean>;
  },
): Promise<T | DiscoveryFailure> {
  const known = skipCache ? undefined : await cache.read<T>(question);
  if (known !== undefined) return known;
  const request = createRequestMetadata(guardedFetch);
  const answer = await classifyErrors(() => discover({ request, refusesUrl }));
  if (await isLasting(answer)) await cache.write(question, answer, METADATA_TTL_MS);
  return answer;
}

/** A query may hold a key. */
export function hasQuery(url: string | undefined): boolean {
  return url?.includes('?') ?? false;
}
