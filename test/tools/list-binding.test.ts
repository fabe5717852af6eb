import { expect, test } from 'vitest';
import { listBindingOf } from '../../src/tools/list-binding.ts';

const KEY = { userId: 'alice', mcpServerId: 'notes' };

function bindingWith({ registrationVersion = 1, version = 1, account = 'default' }): Promise<string> {
  return listBindingOf(
    {
      servers: { find: async () => ({ registrationVersion }) },
      knownConnections: async () => ({ connections: [{ mcpServerId: 'notes', account, version }] }),
    },
    KEY,
  );
}

test('a list is bound to the registration and to the credential of its account', async () => {
  const bound = await bindingWith({});
  expect(await bindingWith({})).toBe(bound);
  expect(await bindingWith({ registrationVersion: 2 })).not.toBe(bound);
  expect(await bindingWith({ version: 2 })).not.toBe(bound);
  const other = await bindingWith({ account: 'work' });
  expect(await bindingWith({ account: 'work', version: 2 })).toBe(other);
});
