import { fileURLToPath } from 'node:url';

const ECHARTS = fileURLToPath(new URL('../../node_modules/echarts/dist/echarts.min.js', import.meta.url));
/** A row of Grafana's grid. */
const ROW_PX = 34;
const GAP_PX = 10;
const LINES = [
  '#3274d9',
  '#e0852c',
  '#56a64b',
  '#a352cc',
  '#e02f44',
  '#12a3a3',
  '#c9a227',
  '#8a8f98',
  '#7a5c3e',
];
const COLOURS = {
  light: {
    page: '#f4f5f5',
    panel: '#ffffff',
    border: '#dfe1e4',
    text: '#24292e',
    faint: '#5b6168',
    line: '#e6e8ea',
  },
  dark: {
    page: '#111217',
    panel: '#181b1f',
    border: '#2c3037',
    text: '#d8d9da',
    faint: '#a0a4aa',
    line: '#2a2e34',
  },
};

/**
 * Draws the panels where the dashboard puts them.
 *
 * @param {import('playwright-core').Page} page
 * @param {Awaited<ReturnType<typeof import('./dashboard.mjs').evaluateDashboard>>} panels
 * @param {{ colorScheme: 'light' | 'dark', start: number, end: number }} options Unix seconds
 */
export async function drawDashboard(page, panels, { colorScheme, start, end }) {
  const colours = COLOURS[colorScheme];
  await page.setContent(htmlOf(panels, colours));
  await page.addScriptTag({ path: ECHARTS });
  await page.evaluate(drawCharts, { panels, colours, lines: LINES, start: start * 1_000, end: end * 1_000 });
}

function htmlOf(panels, colours) {
  const cells = panels.map(
    ({ title, isRow, grid: { x, y, w, h } }) =>
      `<section class="${isRow ? 'row' : 'panel'}" style="grid-area: ${y + 1} / ${x + 1} / span ${h} / span ${w}">` +
      `<h2>${title}</h2>${isRow ? '' : '<div class="chart"></div>'}</section>`,
  );
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; padding: 16px; background: ${colours.page}; color: ${colours.text}; font: 13px sans-serif }
    h1 { font-size: 18px; margin: 0 0 8px; font-weight: 600 }
    h2 { font-size: 13px; margin: 0; font-weight: 600 }
    main { display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: ${ROW_PX}px; gap: 0 ${GAP_PX}px }
    .row { align-self: center }
    .panel { display: flex; flex-direction: column; background: ${colours.panel}; border: 1px solid ${colours.border};
      border-radius: 3px; padding: 8px; margin-bottom: ${GAP_PX}px; min-width: 0 }
    .chart { flex: 1; min-height: 0 }
    </style><h1>Latchkey</h1><main>${cells.join('')}</main>`;
}

/** Runs in the page. */
function drawCharts({ panels, colours, lines, start, end }) {
  const two = (number) => String(number).padStart(2, '0');
  const short = (value, unit = '') => `${Number(value.toPrecision(3))}${unit}`;
  const formats = {
    short: (value) => short(value),
    reqps: (value) => short(value, ' req/s'),
    percentunit: (value) => short(value * 100, ' %'),
    s: (value) => (value < 1 ? short(value * 1_000, ' ms') : short(value, ' s')),
    bytes: (value) => short(value, ' MiB'),
  };
  const clock = (ms) => {
    const date = new Date(ms);
    return `${two(date.getHours())}:${two(date.getMinutes())}`;
  };
  // In MiB, so that the axis has round numbers.
  const scaled = (unit, value) => (unit === 'bytes' && value !== null ? value / 2 ** 20 : value);
  const isAlone = (points, i) =>
    (points[i - 1]?.[1] ?? null) === null && (points[i + 1]?.[1] ?? null) === null;
  const charts = document.querySelectorAll('.chart');
  for (const [index, { unit, series }] of panels.filter(({ isRow }) => !isRow).entries()) {
    const chart = window.echarts.init(charts[index], undefined, { renderer: 'svg' });
    const names = [...new Set(series.map(({ name }) => name))];
    chart.setOption({
      animation: false,
      color: lines,
      grid: { left: 8, right: 14, top: 12, bottom: names.length > 4 ? 48 : 28, containLabel: true },
      legend: {
        bottom: 0,
        left: 0,
        icon: 'roundRect',
        itemWidth: 12,
        itemHeight: 3,
        itemGap: 10,
        textStyle: { color: colours.faint, fontSize: 11 },
        data: names,
      },
      xAxis: {
        type: 'time',
        min: start,
        max: end,
        splitNumber: 5,
        axisLine: { lineStyle: { color: colours.line } },
        axisLabel: { color: colours.faint, fontSize: 11, formatter: clock },
      },
      yAxis: {
        type: 'value',
        min: 0,
        splitNumber: 4,
        axisLabel: { color: colours.faint, fontSize: 11, formatter: formats[unit] },
        splitLine: { lineStyle: { color: colours.line } },
      },
      series: series.map(({ name, points }) => ({
        type: 'line',
        name,
        // No line is drawn through a point without neighbours.
        data: points.map(([at, value], i) => ({
          value: [at, scaled(unit, value)],
          symbol: isAlone(points, i) ? 'circle' : 'none',
        })),
        showAllSymbol: true,
        symbolSize: 3,
        lineStyle: { width: 1.5 },
      })),
    });
  }
}
