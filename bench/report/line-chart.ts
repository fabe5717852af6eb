/** A small line chart as SVG, readable on light and dark pages. */

export interface Series {
  name: string;
  points: readonly { x: number; y: number }[];
  /** Drawn on a scale of its own, at the right. */
  right?: boolean;
}

export interface Chart {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Of the series with `right`. */
  rightLabel?: string;
  series: readonly Series[];
}

interface Scale {
  max: number;
  at(value: number): number;
}

const WIDTH = 720;
const HEIGHT = 420;
const AREA = { left: 70, right: 650, top: 60, bottom: 340 };
const TICKS = 5;
/** Distinguishable for colour-blind readers. Okabe and Ito. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];

export function lineChart({ title, xLabel, yLabel, rightLabel, series }: Chart): string {
  const x = scaleOf(
    series.flatMap(({ points }) => points.map((point) => point.x)),
    AREA.left,
    AREA.right,
  );
  const scaleOfSide = (right: boolean) =>
    scaleOf(
      series
        .filter((one) => (one.right ?? false) === right)
        .flatMap(({ points }) => points.map(({ y }) => y)),
      AREA.bottom,
      AREA.top,
    );
  const left = scaleOfSide(false);
  const right = scaleOfSide(true);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text({ x: AREA.left, y: 24, anchor: 'start', weight: 'bold' }, title),
    ...ticksOf(left.max).map((value) =>
      horizontal(left.at(value), value, rightLabel ? right : undefined, left),
    ),
    ...ticksOf(x.max).map((value) => text({ x: x.at(value), y: AREA.bottom + 20 }, label(value))),
    text({ x: (AREA.left + AREA.right) / 2, y: HEIGHT - 38 }, xLabel),
    text({ x: 8, y: AREA.top - 14, anchor: 'start' }, yLabel),
    ...(rightLabel ? [text({ x: WIDTH - 8, y: AREA.top - 14, anchor: 'end' }, rightLabel)] : []),
    ...series.map((one, index) => drawn(one, index, x, one.right ? right : left)),
    '</svg>\n',
  ].join('\n');
}

function scaleOf(values: readonly number[], from: number, to: number): Scale {
  const max = niceMax(Math.max(...values, 0));
  return { max, at: (value) => Number((from + (value / max) * (to - from)).toFixed(1)) };
}

/** The next of 1, 2, 2.5, 5 and 10 times a power of ten. */
function niceMax(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5].find((factor) => factor * power >= value) ?? 10) * power;
}

function ticksOf(max: number): number[] {
  return Array.from({ length: TICKS + 1 }, (_, index) => (max / TICKS) * index);
}

function horizontal(y: number, value: number, right: Scale | undefined, left: Scale): string {
  const rightValue = right && (value / left.max) * right.max;
  return [
    `<line x1="${AREA.left}" x2="${AREA.right}" y1="${y}" y2="${y}" stroke="#ddd"/>`,
    text({ x: AREA.left - 8, y: y + 4, anchor: 'end' }, label(value)),
    ...(rightValue === undefined
      ? []
      : [text({ x: AREA.right + 8, y: y + 4, anchor: 'start' }, label(rightValue))]),
  ].join('\n');
}

function drawn({ name, points }: Series, index: number, x: Scale, y: Scale): string {
  const colour = COLOURS[index % COLOURS.length];
  const places = points.map((point) => ({ cx: x.at(point.x), cy: y.at(point.y) }));
  const line = places.map(({ cx, cy }) => `${cx},${cy}`).join(' ');
  const keyX = AREA.left + index * 145;
  return [
    `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...places.map(({ cx, cy }) => `<circle cx="${cx}" cy="${cy}" r="3.5" fill="${colour}"/>`),
    `<rect x="${keyX}" y="${HEIGHT - 18}" width="12" height="4" fill="${colour}"/>`,
    text({ x: keyX + 17, y: HEIGHT - 12, anchor: 'start', size: 12 }, name),
  ].join('\n');
}

interface Place {
  x: number;
  y: number;
  anchor?: 'start' | 'middle' | 'end';
  weight?: 'bold';
  size?: number;
}

function text({ x, y, anchor = 'middle', weight, size }: Place, value: string): string {
  const style = `${weight ? ` font-weight="${weight}"` : ''}${size ? ` font-size="${size}"` : ''}`;
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#222"${style}>${escaped(value)}</text>`;
}

function label(value: number): string {
  return Number(value.toPrecision(4)).toLocaleString('en');
}

function escaped(value: string): string {
  return value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
