import { readFileSync } from 'node:fs';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

export const RULES = read('deploy/prometheus/latchkey.rules.yaml');
export const DASHBOARD = read('deploy/grafana/latchkey.json');
export const RUNBOOKS = read('docs/runbooks.md');
export const METRICS_PAGE = read('docs/metrics.md');

const NAME = /\b((?:latchkey|temporal|nodejs|process)_[a-z0-9_]+)\b/g;

/** The metrics that a dashboard or rules ask for, without the suffixes of a histogram's series. */
export function metricsIn(text: string): Set<string> {
  return new Set(
    Array.from(text.matchAll(NAME), ([, name = '']) => name.replace(/_(bucket|sum|count)$/, '')),
  );
}

export interface AlertRule {
  name: string;
  runbook: string;
}

export function alertRules(): AlertRule[] {
  return RULES.split(/^ +- alert: /m)
    .slice(1)
    .map((text) => ({
      name: /^\w+/.exec(text)?.[0] ?? '',
      runbook: /runbook_url: (\S+)/.exec(text)?.[1] ?? '',
    }));
}
