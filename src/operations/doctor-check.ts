import { raceTimeout } from '../async/deadline.ts';

/** What `latchkey doctor` checks. Stable: `--json` prints it. */
export type CheckName =
  | 'configuration'
  | 'postgres'
  | 'migrations'
  | 'encryption-keys'
  | 'temporal'
  | 'search-attributes'
  | 'schedules'
  | 'workers'
  | 'mcp-server';

/** What one check has found. A failed one says what to do. Never holds a secret. */
export interface Check {
  check: CheckName;
  /** The roles, or the id of the MCP server. */
  subject?: string;
  status: CheckStatus;
  message: string;
}

/** `warning`: it works, but not as it should. `skipped`: what it needs is missing. */
export type CheckStatus = 'ok' | 'warning' | 'failed' | 'skipped';

export type Finding = Pick<Check, 'status' | 'message'>;

export function ok(message: string): Finding {
  return { status: 'ok', message };
}

export function warning(message: string): Finding {
  return { status: 'warning', message };
}

export function failed(message: string): Finding {
  return { status: 'failed', message };
}

/** Of one check that asks a database or Temporal. */
const TIMEOUT_MS = 10_000;

/** Runs one check for at most 10 s. `explain` turns an error of it into what to do. */
export async function checkWithin(
  work: () => Promise<Finding>,
  explain: (error: unknown) => string,
): Promise<Finding> {
  const tooSlow = () => failed('no answer within 10 s: is it overloaded?');
  try {
    return await raceTimeout({ ms: TIMEOUT_MS }, work(), tooSlow);
  } catch (error) {
    return failed(explain(error));
  }
}
