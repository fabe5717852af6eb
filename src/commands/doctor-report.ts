import type { Check, CheckName, CheckStatus } from '../operations/doctor-check.ts';
import type { Colors } from './colors.ts';
import { printable } from './table.ts';

const TITLES: Readonly<Record<CheckName, string>> = {
  configuration: 'configuration',
  postgres: 'Postgres',
  migrations: 'migrations',
  'encryption-keys': 'encryption keys',
  temporal: 'Temporal',
  'search-attributes': 'search attributes',
  schedules: 'schedules',
  workers: 'workers',
  'mcp-server': 'MCP server',
};
const WIDTH = 28;

const MARKS: Readonly<Record<CheckStatus, [mark: string, color: 'green' | 'yellow' | 'red' | 'dim']>> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  failed: ['✗', 'red'],
  skipped: ['-', 'dim'],
};

/** One check as a line: aligned for a person, tab-separated for a program. */
export function checkLine(
  { check, subject, status, message }: Check,
  isTty: boolean,
  colors: Colors,
): string {
  if (!isTty) return [status, check, subject ?? '', message].map(printable).join('\t');
  const [mark, color] = MARKS[status];
  const title = [TITLES[check], subject].filter((part) => part !== undefined).join(' ');
  return `${colors[color](mark)} ${printable(title).padEnd(WIDTH)}  ${printable(message)}`;
}

/** Says in one line how many checks found something. */
export function summaryOf(checks: readonly Check[]): string {
  const failed = checks.filter(({ status }) => status === 'failed').length;
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  if (failed + warnings === 0) return 'Everything is in order.';
  const parts = [
    ...(failed === 0 ? [] : [`${failed} failed`]),
    ...(warnings === 0 ? [] : [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`]),
  ];
  return `${parts.join(', ')}.`;
}
