import { readFileSync } from 'node:fs';

/** What every line of an event has. */
const FRAME = ['level', 'time', 'pid', 'event', 'msg'];

export interface DocumentedEvent {
  level: string;
  /** The names of its fields, in order. */
  always: string[];
  perhaps: string[];
}

const LOGGING = readFileSync(new URL('../../docs/logging.md', import.meta.url), 'utf8');

/** The table of `docs/logging.md`, which alarms and dashboards count on. */
export function documentedEvents(): ReadonlyMap<string, DocumentedEvent> {
  const rows = LOGGING.matchAll(/^\| `([\w.-]+)` \| (info|warn|error) \| .* \| (.*) \|$/gm);
  return new Map(
    Array.from(rows, ([, event = '', level = '', fields = '']) => {
      const named = [...fields.matchAll(/`(\w+)`(\??)/g)];
      const names = (mark: string) => named.flatMap(([, name = '', end]) => (end === mark ? [name] : []));
      return [event, { level, always: [...FRAME, ...names('')].sort(), perhaps: names('?') }];
    }),
  );
}

/** What `docs/logging.md` lists behind the colon where it tells of a field. */
export function documentedValues(field: string): string[] {
  const [, values = ''] = new RegExp(`^- \`${field}\`.*?: (.*)$`, 'm').exec(LOGGING) ?? [];
  return Array.from(values.matchAll(/`([\w-]+)`/g), ([, value = '']) => value);
}
