import { shortened } from '../contracts/shortened.ts';
import type { ShownServer } from '../schemas/http-server.ts';
import type { Colors } from './colors.ts';
import { alignColumns, formatTable, printable } from './table.ts';

const HEADING = ['server', 'title', 'url', 'auth', 'state'];
/** Characters of a title in a table. A pipe gets all of it. */
const MAX_TITLE = 30;

export function serversTable(servers: readonly ShownServer[], isTty: boolean, colors: Colors): string {
  if (servers.length === 0) return isTty ? 'No servers. Add one: latchkey servers add <server> <url>\n' : '';
  const rows = servers.map(({ id, title = '', url, auth, paused }) => [
    id,
    isTty ? shortened(title, MAX_TITLE) : title,
    url,
    auth.type,
    stateOf(paused),
  ]);
  return formatTable(HEADING, rows, isTty, (text, { column, row }) => {
    if (row === 0) return colors.bold(text);
    return column === 'state' && text === 'paused' ? colors.yellow(text) : text;
  });
}

/** All that the API shows of a server, one fact a line: aligned for a person, tab-separated for a program. */
export function serverReport(server: ShownServer, isTty: boolean): string {
  const { id, paused, auth, queryNames, headerNames, ...rest } = server;
  const facts = [
    ['server', id],
    ['state', stateOf(paused)],
    ...Object.entries(auth).map(([name, value]) => [
      name === 'type' ? 'auth' : `auth.${name}`,
      textOf(value),
    ]),
    ...(queryNames === undefined ? [] : [['queryNames', queryNames.join(' ')]]),
    ...(headerNames.length === 0 ? [] : [['headerNames', headerNames.join(' ')]]),
    ...Object.entries(rest).map(([name, value]) => [name, textOf(value)]),
  ].map((fact) => fact.map(printable));
  const lines = isTty ? alignColumns(facts) : facts.map((fact) => fact.join('\t'));
  return lines.map((line) => `${line}\n`).join('');
}

function stateOf(paused: boolean): string {
  return paused ? 'paused' : 'active';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
