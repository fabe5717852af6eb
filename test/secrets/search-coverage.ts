import type { Evidence } from './sinks/sink.ts';
import type { StoryFixture } from './story-fixture.ts';

/** What the search for secrets has covered. It proves nothing about a place that was empty. */
export interface SearchCoverage {
  workflows: string[];
  activities: string[];
  statuses: number[];
  webhooks: string[];
  logged: string[];
  metrics: string[];
  spans: string[];
  tables: string[];
  audited: string[];
  secrets: string[];
}

export function searchCoverage(fixture: StoryFixture, evidence: readonly Evidence[]): SearchCoverage {
  const contents = (where: RegExp) =>
    evidence.filter((one) => where.test(one.where)).map(({ content }) => String(content));
  const records = contents(/^log: .* stdout/).filter((line) => line.startsWith('{'));
  return {
    workflows: sorted(contents(/^temporal visibility of [^.]*\.type\.name$/)),
    activities: sorted(contents(/^temporal history .*[sS]cheduledEventAttributes\.activityType\.name$/)),
    statuses: [...fixture.api.statuses()].sort((a, b) => a - b),
    webhooks: sorted(fixture.webhooks.types()),
    logged: sorted(records.map((line) => JSON.parse(line).event).filter((event) => event !== undefined)),
    metrics: sorted(
      contents(/^metrics: /).flatMap((line) => /^latchkey_\w+?(?=_count|[{ ])/.exec(line)?.[0] ?? []),
    ),
    spans: sorted(
      contents(/^traces: /).flatMap((body) =>
        Array.from(body.matchAll(/"name":"([^"]+)","kind"/g), ([, name = '']) => name),
      ),
    ),
    tables: sorted(evidence.flatMap(({ where }) => /^database public\.(\w+)\./.exec(where)?.[1] ?? [])),
    audited: sorted(contents(/^database public\.mcp_audit_event\.action$/).map((json) => JSON.parse(json))),
    secrets: sorted(fixture.registry.all().map(({ name }) => name.replace(/( of user-\w+)? #\d+$/, ''))),
  };
}

function sorted(words: readonly string[]): string[] {
  return [...new Set(words)].sort();
}
