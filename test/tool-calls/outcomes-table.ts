import { readFileSync } from 'node:fs';

/** One row of the tables in docs/outcomes.md. */
export interface OutcomeRow {
  condition: string;
  status: string;
  /** `error.code` or `awaitingInputReason`; empty where there is none. */
  code: string;
  cause: string;
  again: boolean;
  asked: string;
}

const HEADER = '| Condition | Step | Code | Cause | Called again? | Who is asked |';

export function readOutcomesTable(): OutcomeRow[] {
  const text = readFileSync(new URL('../../docs/outcomes.md', import.meta.url), 'utf8');
  return text.split('\n\n').flatMap((block) => {
    const [header, , ...rows] = block.trim().split('\n');
    return header === HEADER ? rows.map(readRow) : [];
  });
}

function readRow(line: string): OutcomeRow {
  const [condition = '', status, code, cause, again, asked = ''] = line.slice(1, -1).split('|').map(trim);
  if (again !== 'yes' && again !== 'no') throw new Error(`neither yes nor no: ${line}`);
  return {
    condition,
    status: word(status),
    code: word(code),
    cause: word(cause),
    again: again === 'yes',
    asked,
  };
}

function trim(cell: string): string {
  return cell.trim();
}

/** What stands between backticks. */
function word(cell = ''): string {
  return cell.replaceAll('`', '');
}
