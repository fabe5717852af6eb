import { setTimeout as delay } from 'node:timers/promises';
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import type { RunTool, ToolExtra } from './demo-tool-calls.ts';

export interface Invoice {
  id: string;
  customer: string;
  amount: number;
}

/** The invoices that the demo tools change. Each belongs to the user who created it. */
export interface DemoLedger {
  create(user: string, customer: string, amount: number): Invoice;
  list(user: string): Invoice[];
  /** Returns false if the user has no such invoice. */
  remove(user: string, id: string): boolean;
}

export function createDemoLedger(): DemoLedger {
  const invoices = new Map<string, Invoice & { user: string }>();
  let lastNumber = 0;
  return {
    create(user, customer, amount) {
      lastNumber += 1;
      const invoice = { id: `INV-${lastNumber}`, customer, amount };
      invoices.set(invoice.id, { ...invoice, user });
      return invoice;
    },
    list: (user) =>
      [...invoices.values()]
        .filter((invoice) => invoice.user === user)
        .map(({ id, customer, amount }) => ({ id, customer, amount })),
    remove: (user, id) => invoices.get(id)?.user === user && invoices.delete(id),
  };
}

export const BASIC_SCOPE = 'mcp:tools';

/** The tools that require another scope than the basic one. */
export const SCOPE_OF_TOOL: Readonly<Record<string, string>> = { export_ledger: 'ledger:export' };

const READ_ONLY = { readOnlyHint: true };

const invoiceShape = { id: z.string(), customer: z.string(), amount: z.number() };

/** Registers the demo server's tools. Their annotations are true, and their side effects can be counted. */
export function registerDemoTools(server: McpServer, ledger: DemoLedger, run: RunTool): void {
  registerCreateInvoice(server, ledger, run);
  registerListInvoices(server, ledger, run);
  registerDeleteInvoice(server, ledger, run);
  registerExportLedger(server, ledger, run);
  registerSlowReport(server, run);
  registerLargeReport(server, run);
  registerSendMessage(server, run);
  registerFail(server, run);
}

function registerCreateInvoice(server: McpServer, ledger: DemoLedger, run: RunTool): void {
  server.registerTool(
    'create_invoice',
    {
      title: 'Create invoice',
      description: 'Creates an invoice. Calling it twice creates two.',
      inputSchema: { customer: z.string().min(1), amount: z.number().positive() },
      outputSchema: invoiceShape,
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false },
    },
    (args, extra) =>
      run('create_invoice', args, extra, (user) => {
        const invoice = ledger.create(user, args.customer, args.amount);
        return structured(`${invoice.id} over ${args.amount} for ${args.customer}`, { ...invoice });
      }),
  );
}

function registerListInvoices(server: McpServer, ledger: DemoLedger, run: RunTool): void {
  server.registerTool(
    'list_invoices',
    {
      title: 'List invoices',
      description: "Lists the user's invoices.",
      inputSchema: {},
      outputSchema: { invoices: z.array(z.object(invoiceShape)) },
      annotations: READ_ONLY,
    },
    (args, extra) =>
      run('list_invoices', args, extra, (user) => {
        const invoices = ledger.list(user);
        return structured(`${invoices.length} invoices`, { invoices });
      }),
  );
}

function registerDeleteInvoice(server: McpServer, ledger: DemoLedger, run: RunTool): void {
  server.registerTool(
    'delete_invoice',
    {
      title: 'Delete invoice',
      description: 'Deletes one invoice for good.',
      inputSchema: { id: z.string() },
      annotations: { destructiveHint: true, idempotentHint: true },
    },
    (args, extra) =>
      run('delete_invoice', args, extra, (user) =>
        ledger.remove(user, args.id) ? text(`${args.id} is deleted`) : failure(`no invoice ${args.id}`),
      ),
  );
}

function registerExportLedger(server: McpServer, ledger: DemoLedger, run: RunTool): void {
  server.registerTool(
    'export_ledger',
    {
      title: 'Export ledger',
      description: `Exports everything as CSV. Needs the scope ${SCOPE_OF_TOOL.export_ledger}.`,
      inputSchema: {},
      annotations: READ_ONLY,
    },
    (args, extra) =>
      run('export_ledger', args, extra, (user) => {
        const rows = ledger.list(user).map(({ id, customer, amount }) => `${id},${customer},${amount}`);
        return text(['id,customer,amount', ...rows].join('\n'));
      }),
  );
}

function registerSlowReport(server: McpServer, run: RunTool): void {
  server.registerTool(
    'slow_report',
    {
      title: 'Slow report',
      description: 'Takes a while, and reports its progress.',
      inputSchema: {
        durationMs: z.number().int().min(0).default(0),
        steps: z.number().int().min(1).default(1),
      },
      annotations: READ_ONLY,
    },
    (args, extra) => run('slow_report', args, extra, () => reportSlowly(args, extra)),
  );
}

function registerLargeReport(server: McpServer, run: RunTool): void {
  server.registerTool(
    'large_report',
    {
      title: 'Large report',
      description: 'Returns text of the given size.',
      inputSchema: { bytes: z.number().int().min(0) },
      annotations: READ_ONLY,
    },
    (args, extra) => run('large_report', args, extra, () => text('x'.repeat(args.bytes))),
  );
}

function registerSendMessage(server: McpServer, run: RunTool): void {
  server.registerTool(
    'send_message',
    {
      title: 'Send message',
      description: 'Sends a message. Calling it twice sends two.',
      inputSchema: { to: z.string().min(1), text: z.string() },
      annotations: { destructiveHint: false, idempotentHint: false, openWorldHint: true },
    },
    (args, extra) => run('send_message', args, extra, () => text(`sent to ${args.to}`)),
  );
}

function registerFail(server: McpServer, run: RunTool): void {
  server.registerTool(
    'fail',
    {
      title: 'Fail',
      description: 'Returns a tool error.',
      inputSchema: { message: z.string().default('it did not work') },
    },
    (args, extra) => run('fail', args, extra, () => failure(args.message)),
  );
}

async function reportSlowly(
  { durationMs, steps }: { durationMs: number; steps: number },
  { signal, _meta, sendNotification }: ToolExtra,
): Promise<CallToolResult> {
  const progressToken = _meta?.progressToken;
  for (let progress = 1; progress <= steps; progress += 1) {
    await delay(durationMs / steps, undefined, { signal });
    if (progressToken === undefined) continue;
    const params = { progressToken, progress, total: steps, message: `step ${progress} of ${steps}` };
    await sendNotification({ method: 'notifications/progress', params });
  }
  return text(`reported in ${steps} steps`);
}

function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] };
}

function structured(summary: string, structuredContent: Record<string, unknown>): CallToolResult {
  return { ...text(summary), structuredContent };
}

function failure(message: string): CallToolResult {
  return { ...text(message), isError: true };
}
