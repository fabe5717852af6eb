import type { PreflightProblem, PreflightResult } from '../contracts/preflight.ts';
import { shortened } from '../contracts/shortened.ts';
import type { ToolDescription } from '../contracts/step.ts';
import { nameOf } from './connections-report.ts';
import { formatTable, printable } from './table.ts';

/** Characters of a description in a table. A pipe gets all of it. */
const MAX_DESCRIPTION = 80;

export function toolsTable(tools: readonly ToolDescription[], isTty: boolean): string {
  if (tools.length === 0) return isTty ? 'No tools.\n' : '';
  const rows = tools.map(({ name, description = '' }) => [
    name,
    isTty ? shortened(description, MAX_DESCRIPTION) : description,
  ]);
  return formatTable(['tool', 'description'], rows, isTty);
}

/** Says whether the calls can be made, and what stands in the way of each that can not. */
export function preflightReport({ ready, problems }: PreflightResult): string {
  const lines = ready ? ['Ready: all of these calls can be made now.'] : problems.map(problemText);
  return lines.map((line) => `${line}\n`).join('');
}

function problemText({ mcpServerId, account, tool, code, connectUrl }: PreflightProblem): string {
  const name = printable(nameOf({ mcpServerId, account }));
  const call = tool === undefined ? name : `${name}, tool ${printable(tool)}`;
  return `${call}: ${wordsOf(code)} (${code})${connectUrl === undefined ? '' : `. Connect at ${connectUrl}`}`;
}

function wordsOf(code: PreflightProblem['code']): string {
  switch (code) {
    case 'needs-oauth-reauth':
      return 'the account has to be connected';
    case 'unknown-server':
      return 'no server is registered under this id';
    case 'unknown-tool':
      return 'the server has no such tool that can be called';
    case 'server-unavailable':
      return 'the server or its authorization server gives no usable answer, or the server is paused';
    case 'forbidden':
      return 'the server refuses the account, or asks for more scopes';
    case 'misconfigured':
      return 'only the operator can help';
    default:
      return code satisfies never;
  }
}
