import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type ToolAddress, toolNames } from '../../src/agents/tool-names.ts';

const VALID = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

function address(mcpServerId: string, tool: string, account = 'default'): ToolAddress {
  return { mcpServerId, account, tool };
}

describe('a tool of a server', () => {
  test.each<[ToolAddress, string]>([
    [address('ledger', 'create_invoice'), 'ledger_create_invoice'],
    [address('ledger', 'create_invoice', 'work'), 'ledger_work_create_invoice'],
    [address('mail.example', 'send message/ü🔑'), 'mail_example_send_message___'],
    [address('1password', 'read'), '_1password_read'],
    [address('-', ''), '_-_'],
    [{ mcpServerId: 'ledger', account: 'default' }, 'connect_ledger'],
    [{ mcpServerId: 'mail.example', account: 'work' }, 'connect_mail_example_work'],
  ])('%j is called %s', (tool, name) => {
    expect(toolNames([tool])).toEqual([name]);
  });

  test('with a name that is too long is cut and ends with a hash', () => {
    const [one = '', other] = toolNames(
      ['a', 'b'].map((end) => address('ledger', `${'x'.repeat(100)}${end}`)),
    );

    expect(one).toMatch(/^ledger_x{48}_[0-9a-f]{8}$/);
    expect(one).toMatch(VALID);
    expect(other).not.toBe(one);
  });

  test('whose name is that of another tool has a hash, and so has the other', () => {
    const colliding = [address('mail', 'box_read'), address('mail_box', 'read')];
    const names = toolNames([...colliding, address('ledger', 'read')]);

    expect(names).toEqual([
      expect.stringMatching(/^mail_box_read_[0-9a-f]{8}$/),
      expect.stringMatching(/^mail_box_read_[0-9a-f]{8}$/),
      'ledger_read',
    ]);
    expect(names[0]).not.toBe(names[1]);
  });

  test('and the tool that connects a server never have the same name', () => {
    const names = toolNames([{ mcpServerId: 'ledger', account: 'default' }, address('connect', 'ledger')]);

    expect(names).toEqual([
      expect.stringMatching(/^connect_ledger_[0-9a-f]{8}$/),
      expect.stringMatching(/^connect_ledger_[0-9a-f]{8}$/),
    ]);
    expect(names[0]).not.toBe(names[1]);
  });

  test('that takes the hashed name of another gets another name', () => {
    const colliding = [address('mail', 'box_read'), address('mail_box', 'read')];
    const [taken = ''] = toolNames(colliding);
    const names = toolNames([...colliding, address('mail', taken.slice('mail_'.length))]);

    expect(new Set(names).size).toBe(3);
  });
});

test('a list of 30,000 tools does not hold up the thread', () => {
  const addresses = Array.from({ length: 30_000 }, (_, at) => address('ledger', `tool-${at}`));
  const before = process.cpuUsage();
  toolNames([...addresses, address('ledger', 'tool.1')]);

  // Comparing each name with each takes 15 s.
  expect(process.cpuUsage(before).user / 1_000).toBeLessThan(3_000);
});

// From a seed, so that a failure can be repeated: the hash of a counter.
function createRandom(seed: string): (below: number) => number {
  let count = 0;
  return (below) => {
    count += 1;
    return createHash('sha256').update(`${seed}:${count}`).digest().readUInt32BE() % below;
  };
}

test.each(Array.from({ length: 20 }, (_, at) => `seed-${at}`))(
  'names are valid, unique, and the same in any order (%s)',
  (seed) => {
    const random = createRandom(seed);
    const addresses = randomAddresses(random);
    const names = toolNames(addresses);

    for (const name of names) expect(name).toMatch(VALID);
    expect(new Set(names).size).toBe(new Set(addresses.map((tool) => JSON.stringify(tool))).size);
    const order = addresses.map((_, at) => at).sort(() => random(3) - 1);
    expect(toolNames(order.map((at) => addresses[at] ?? address('', '')))).toEqual(
      order.map((at) => names[at]),
    );
  },
);

// Of few and awkward parts, so that many collide, are too long, or are the same.
function randomAddresses(random: (below: number) => number): ToolAddress[] {
  const part = () =>
    Array.from(
      { length: 1 + random(3) },
      () => ['a', '_', 'b.', 'ü', '9', '-', 'x'.repeat(40), '\ud800'][random(8)],
    ).join('');
  return Array.from({ length: 40 }, () => address(part(), part(), random(2) === 0 ? 'default' : part()));
}
