import { readFileSync } from 'node:fs';

const PAGE = readFileSync(new URL('../../../docs/deploy.md', import.meta.url), 'utf8');

/** The queries of the page's connection strings: for a public authority, and for a provider's own. */
export function documentedQueries(): Record<string, string>[] {
  const [, block = ''] = /\*\*TLS\*\*[\s\S]*?```sh\n([\s\S]*?)```/.exec(PAGE) ?? [];
  const urls = [...block.matchAll(/'(postgres:[^']+)'/g)].map(([, url = '']) => new URL(url));
  return urls.map(({ searchParams }) => Object.fromEntries(searchParams));
}
