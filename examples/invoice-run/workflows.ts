import { type McpStepResult, runMcpStep } from 'latchkey/workflow';

export interface InvoiceRun {
  /** Names the run's steps, so that its user finds them again. */
  name: string;
  /** On whose behalf the tools are called. */
  userId: string;
  mcpServerId: string;
  customer: string;
  amount: number;
  /** Who is told when the invoice is written. */
  tell: string[];
  /** Of Latchkey's workers. Default `mcp-steps`. */
  taskQueue?: string;
}

export interface InvoiceRunReport {
  invoice: McpStepResult;
  invoices: number;
  /** How telling each went, in the order of `tell`. */
  told: McpStepResult['status'][];
}

/** Writes an invoice, counts them all, and tells everybody at once, each only if the user agrees. */
export async function invoiceRun(run: InvoiceRun): Promise<InvoiceRunReport> {
  const { name, userId, mcpServerId, customer, amount, tell } = run;
  const who = { userId, mcpServerId };
  const queue = run.taskQueue === undefined ? {} : { taskQueue: run.taskQueue };

  // One after the other. A paused step pauses the run with it, for as long as its user takes.
  const invoice = await runMcpStep(
    { ...who, tool: 'create_invoice', arguments: { customer, amount } },
    { ...queue, stepId: `${name}.invoice` },
  );
  if (invoice.status !== 'success') return { invoice, invoices: 0, told: [] };
  const listed = await runMcpStep(
    { ...who, tool: 'list_invoices', sideEffects: 'read-only' },
    { ...queue, stepId: `${name}.list` },
  );

  // At the same time. Each waits for its own approval; one that is rejected holds up no other.
  const told = await Promise.all(
    tell.map((to, index) =>
      runMcpStep(
        {
          ...who,
          tool: 'send_message',
          arguments: { to, text: `An invoice over ${amount} is on its way.` },
          mode: 'automated-with-confirmation',
        },
        { ...queue, stepId: `${name}.tell-${index}` },
      ),
    ),
  );
  return { invoice, invoices: countOf(listed), told: told.map(({ status }) => status) };
}

function countOf(listed: McpStepResult): number {
  const invoices = listed.status === 'success' ? listed.result.structuredContent?.invoices : undefined;
  return Array.isArray(invoices) ? invoices.length : 0;
}
