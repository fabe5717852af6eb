import { describe, expect, test, vi } from 'vitest';
import { createChangeNotes } from '../../src/changes/change-notes.ts';
import { createLogger } from '../../src/logging/logger.ts';
import { createRequestContext } from '../../src/logging/request-context.ts';

function setUp() {
  const written: unknown[] = [];
  const control = { isAway: false, held: [] as string[] };
  const query = vi.fn(async (_sql: string, [userIds]: unknown[]) => {
    if (control.isAway) throw new Error('away');
    written.push(userIds);
    return { rows: control.held.map((user_id) => ({ user_id })) };
  });
  const logger = { warn: vi.fn() };
  // The cast is safe: only `query` with a text and values is used.
  const notes = createChangeNotes({ db: { query } as never, logger });
  return { notes, written, query, logger, control };
}

describe('notes', () => {
  test('of many users and changes are one statement', async () => {
    const { notes, written } = setUp();
    for (const user of ['ada', 'bob', 'ada', 'ada']) notes.note(user);
    await vi.waitFor(() => expect(written).toEqual([['ada', 'bob']]), { timeout: 20_000 });
    notes.note('ada');
    await vi.waitFor(() => expect(written).toEqual([['ada', 'bob'], ['ada']]), { timeout: 20_000 });
    await notes.close();
    expect(written).toHaveLength(2);
  });

  test('are written before the process ends, and not taken after that', async () => {
    const { notes, written } = setUp();
    notes.note('ada');
    await notes.close();
    notes.note('bob');
    await notes.close();
    expect(written).toEqual([['ada']]);
  });

  test('of held rows are tried again a few times, without those of others', async () => {
    const { notes, query, written, control } = setUp();
    control.held = ['bob'];
    for (const user of ['ada', 'bob']) notes.note(user);
    await vi.waitFor(() => expect(written).toHaveLength(4), 20_000);
    control.held = [];
    notes.note('eve');
    await vi.waitFor(() => expect(query).toHaveBeenCalledTimes(5), { timeout: 20_000 });
    expect(written).toEqual([['ada', 'bob'], ['bob'], ['bob'], ['bob'], ['eve']]);
    await notes.close();
  });

  test('that can not be written are no matter of the request that made the first', async () => {
    const lines: Record<string, unknown>[] = [];
    const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
    const requests = createRequestContext();
    const query = () => Promise.reject(new Error('away'));
    const notes = createChangeNotes({
      // The cast is safe: only `query` with a text and values is used.
      db: { query } as never,
      logger: requests.loggerOf(createLogger({ level: 'warn', destination })),
    });
    requests.run({ requestId: 'r-1' }, () => notes.note('ada'));
    await vi.waitFor(() => expect(lines).toHaveLength(1), { timeout: 20_000 });
    expect(lines).toEqual([expect.not.objectContaining({ requestId: expect.anything() })]);
    await notes.close();
  });

  test('that can not be written are dropped, with one line in the log for an outage', async () => {
    const { notes, query, logger, control, written } = setUp();
    control.isAway = true;
    for (const [at, user] of ['ada', 'bob'].entries()) {
      notes.note(user);
      await vi.waitFor(() => expect(query).toHaveBeenCalledTimes(at + 1), { timeout: 20_000 });
    }
    expect(logger.warn).toHaveBeenCalledTimes(1);
    control.isAway = false;
    notes.note('eve');
    await notes.close();
    expect(written).toEqual([['eve']]);
  });
});
