import { readFile } from 'node:fs/promises';
import { SCRAPE_SECONDS } from './prometheus.mjs';

const DASHBOARD = new URL('../../deploy/grafana/latchkey.json', import.meta.url);

/**
 * Evaluates the panels of the dashboard over a range of Unix seconds, with the variables that Grafana would fill in.
 *
 * @returns {Promise<{ title: string, isRow: boolean, grid: object, unit: string, series: Series[] }[]>}
 * @typedef {{ name: string, points: [number, number | null][] }} Series points are milliseconds and values
 */
export async function evaluateDashboard(prometheus, { start, end }) {
  const { panels } = JSON.parse(await readFile(DASHBOARD, 'utf8'));
  return Promise.all(
    panels.map(async ({ type, title, gridPos, targets = [], fieldConfig }) => ({
      title,
      isRow: type === 'row',
      grid: gridPos,
      unit: fieldConfig?.defaults.unit,
      series: (
        await Promise.all(targets.map((target) => seriesOf(prometheus, target, { start, end })))
      ).flat(),
    })),
  );
}

async function seriesOf(prometheus, { expr, legendFormat }, { start, end }) {
  const query = fillIn(expr, end - start);
  const found = await prometheus.range(query, { start, end, step: SCRAPE_SECONDS });
  return found
    .map(({ metric, values }) => ({
      name: legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? ''),
      points: withGaps(values, { start, end }),
    }))
    .filter(({ points }) => points.some(([, value]) => value !== null));
}

/** Returns a point for each step of the range, with null where there is no value. Grafana draws a gap there, too. */
function withGaps(values, { start, end }) {
  const found = new Map(
    values.map(([seconds, value]) => [Math.round((seconds - start) / SCRAPE_SECONDS), Number(value)]),
  );
  return Array.from({ length: Math.floor((end - start) / SCRAPE_SECONDS) + 1 }, (_, i) => {
    const value = found.get(i);
    return [(start + i * SCRAPE_SECONDS) * 1_000, Number.isFinite(value) ? value : null];
  });
}

/**
 * @see https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/ for `$__rate_interval`
 */
function fillIn(expr, rangeSeconds) {
  return expr
    .replaceAll('$__rate_interval', `${4 * SCRAPE_SECONDS}s`)
    .replaceAll('$__range', `${Math.round(rangeSeconds)}s`)
    .replaceAll('$server', '.*');
}
