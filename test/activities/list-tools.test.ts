import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, test } from 'vitest';
import { createCallLimits } from '../../src/activities/call-limits.ts';
import { createListTools, type ListToolsDependencies } from '../../src/activities/list-tools.ts';
import type { ListToolsInput, ToolListing } from '../../src/contracts/activities.ts';
import type { ListDetail } from '../../src/contracts/mcp-tools.ts';

const MIB = 1024 * 1024;

/** Lists tools that hold this much beside their names, of which nothing is kept, at 60 servers. */
async function list(detail: ListDetail, extra: object, bytes: number): Promise<ToolListing[]> {
  // The cast leaves out what is only used to read lists from servers.
  const deps = {
    limits: createCallLimits({ perUser: 100, perServer: 100 }),
    publicUrl: 'https://latchkey.test',
    logger: { error: () => {} },
  } as unknown as ListToolsDependencies;
  const listTools = createListTools(deps, async ({ counted }) => {
    counted?.received(bytes);
    return { kind: 'listed', tools: [{ name: 'read', inputSchema: {}, ...extra }] };
  });
  const servers = Array.from({ length: 60 }, (_, n) => ({ mcpServerId: `s${n}` }));
  const input: ListToolsInput = { userId: 'ada', servers, detail, maxBytes: MIB };
  return new MockActivityEnvironment().run(listTools, input);
}

const kindsOf = (listings: ToolListing[]) => [...new Set(listings.map(({ kind }) => kind))];

test.each([
  { what: 'names', detail: 'names', extra: { title: 'x'.repeat(MIB) } },
  { what: 'tools without icons', detail: 'full', extra: { icons: [{ src: 'x'.repeat(MIB) }] } },
] as const)('no list is left out for what is dropped: $what', async ({ detail, extra }) => {
  expect(kindsOf(await list(detail, extra, MIB))).toEqual(['listed']);
});

test('a list that finds no room beside others of the user may pass later', async () => {
  const listings = await list('names', {}, 40 * MIB);

  expect(listings[0]).toEqual({
    kind: 'failed',
    failure: { kind: 'connection', code: 'server-unavailable' },
    mayPass: true,
  });
});
