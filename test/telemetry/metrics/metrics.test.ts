import { describe, expect, test } from 'vitest';
import { METRICS, type MetricDefinition } from '../../../src/telemetry/metrics/definitions.ts';
import { createMetrics } from '../../../src/telemetry/metrics/metrics.ts';
import { createPrometheusMeter } from '../../../src/telemetry/metrics/prometheus-meter.ts';
import { samplesOf } from './samples.ts';

/** The contract with dashboards and alert rules. */
const CONTRACT: Record<string, string[]> = {
  latchkey_calls_total: ['server', 'outcome'],
  latchkey_call_seconds: ['server'],
  latchkey_renewals_total: ['server', 'result'],
  latchkey_renewal_seconds: ['server'],
  latchkey_deposits_total: ['server'],
  latchkey_resumptions_total: [],
  latchkey_waiting_steps: ['reason'],
  latchkey_wait_seconds: ['reason'],
  latchkey_mcp_connections: [],
  latchkey_http_request_seconds: ['route', 'status'],
};

function metered() {
  const meter = createPrometheusMeter();
  return { metrics: createMetrics(meter), read: async () => samplesOf(await meter.read()) };
}

test('the metrics have the names and labels of the contract, and no label for a user', () => {
  const definitions: MetricDefinition[] = Object.values(METRICS);
  expect(Object.fromEntries(definitions.map(({ name, labels }) => [name, labels]))).toEqual(CONTRACT);
});

describe('the metrics', () => {
  test('count a call, and measure it if it was sent', async () => {
    const { metrics, read } = metered();
    metrics.called('ledger', 'success', 0.2);
    metrics.called('ledger', 'not-sent');

    const samples = await read();

    expect(samples.get('latchkey_calls_total{server="ledger",outcome="success"}')).toBe(1);
    expect(samples.get('latchkey_calls_total{server="ledger",outcome="not-sent"}')).toBe(1);
    expect(samples.get('latchkey_call_seconds_count{server="ledger"}')).toBe(1);
  });

  test('name 200 servers, and count the calls of the others together', async () => {
    const { metrics, read } = metered();
    for (let server = 0; server < 300; server += 1) metrics.called(`server-${server}`, 'success', 1);
    metrics.called('server-7', 'success', 1);

    const calls = [...(await read())].filter(([name]) => name.startsWith('latchkey_calls_total'));

    expect(calls).toHaveLength(201);
    expect(new Map(calls).get('latchkey_calls_total{server="other",outcome="success"}')).toBe(100);
    expect(new Map(calls).get('latchkey_calls_total{server="server-7",outcome="success"}')).toBe(2);
  });

  test('count resumptions after a deposit, and not after a decision', async () => {
    const { metrics, read } = metered();
    const weeks = 3 * 7 * 86_400;
    metrics.resumed('needs-oauth-reauth', weeks);
    metrics.resumed('needs-oauth-scope', -1);
    metrics.resumed('needs-approval', 60);

    const samples = await read();

    expect(samples.get('latchkey_resumptions_total')).toBe(2);
    const bucket = (le: number) => `latchkey_wait_seconds_bucket{le="${le}",reason="needs-oauth-reauth"}`;
    expect(samples.get(bucket(14 * 86_400))).toBe(0);
    expect(samples.get(bucket(30 * 86_400))).toBe(1);
    expect(samples.get('latchkey_wait_seconds_count{reason="needs-approval"}')).toBe(1);
  });

  test('export every reason of a pause from the start', async () => {
    const samples = await metered().read();
    for (const reason of ['needs-oauth-reauth', 'needs-oauth-scope', 'needs-approval', 'outcome-unknown']) {
      expect(samples.get(`latchkey_wait_seconds_count{reason="${reason}"}`)).toBe(0);
    }
  });

  test('stop exporting how many steps wait when that is not known', async () => {
    const { metrics, read } = metered();
    const waiting = 'latchkey_waiting_steps{reason="needs-approval"}';
    metrics.waiting({ 'needs-approval': 3 });
    expect((await read()).get(waiting)).toBe(3);

    metrics.waiting(undefined);

    expect((await read()).has(waiting)).toBe(false);
  });

  test("name a request by its route's pattern", async () => {
    const { metrics, read } = metered();
    metrics.answered('/steps/:stepId', 200, 0.01);
    metrics.answered(undefined, 404, 0.01);

    const samples = await read();

    const count = (labels: string) => samples.get(`latchkey_http_request_seconds_count{${labels}}`);
    expect(count('route="/steps/:stepId",status="200"')).toBe(1);
    expect(count('route="unknown",status="404"')).toBe(1);
  });
});
