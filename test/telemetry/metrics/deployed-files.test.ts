import { describe, expect, test } from 'vitest';
import { METRICS } from '../../../src/telemetry/metrics/definitions.ts';
import { alertRules, DASHBOARD, METRICS_PAGE, metricsIn, RULES, RUNBOOKS } from './deployed-files.ts';

const OURS: string[] = Object.values(METRICS).map(({ name }) => name);

const ofLatchkey = (text: string) => [...metricsIn(text)].filter((name) => name.startsWith('latchkey_'));

describe('the alert rules', () => {
  test('ask for metrics that exist', () => {
    expect(ofLatchkey(RULES).length).toBeGreaterThan(3);
    expect(ofLatchkey(RULES).filter((name) => !OURS.includes(name))).toEqual([]);
  });

  test('each have an entry in the runbooks, and no entry is left over', () => {
    const rules = alertRules();
    const entries = Array.from(RUNBOOKS.matchAll(/^## (\w+)$/gm), ([, name = '']) => name);
    expect(rules.length).toBeGreaterThan(10);
    expect(rules.map(({ name }) => name)).toEqual(entries);
    for (const { name, runbook } of rules) expect(runbook).toBe(`docs/runbooks.md#${name.toLowerCase()}`);
  });

  test('never add up what every worker counts', () => {
    for (const text of [RULES, DASHBOARD]) {
      expect(text).toMatch(/max[^"']*\(latchkey_waiting_steps/);
      expect(text).not.toMatch(/sum[^"'\n]*\(latchkey_waiting_steps/);
    }
  });
});

test('the dashboard shows every metric of Latchkey, and none that does not exist', () => {
  expect(ofLatchkey(DASHBOARD).sort()).toEqual(OURS.toSorted());
});

test('docs/metrics.md has a row for every metric, with its kind and labels', () => {
  const rows = METRICS_PAGE.matchAll(/^\| `(latchkey_\w+)` \| (\w+) \|([^|]*)\|/gm);
  const documented = Array.from(rows, ([, name, kind, labels = '']) => ({
    name,
    kind,
    labels: Array.from(labels.matchAll(/`(\w+)`/g), ([, label]) => label),
  }));
  expect(documented).toEqual(
    Object.values(METRICS).map(({ name, kind, labels }) => ({ name, kind, labels })),
  );
});
