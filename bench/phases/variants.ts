import { measureEachCall } from '../variants/each-call.ts';
import { measureMutex } from '../variants/mutex.ts';
import { measurePolling } from '../variants/polling.ts';
import { createTokenStore } from '../variants/token-store.ts';
import type { Phase } from './phase.ts';

/** Other ways to write the bare workflow, each with one thing less than a step has. */
export const variants: Phase = {
  name: 'variants',
  fullOnly: true,
  limitMinutes: { quick: 10, full: 20 },
  async run(phase) {
    const { users, databaseUrl } = phase.world;
    const options = { databaseUrl, ...users.client };
    const store = createTokenStore(options);
    try {
      await store.create();
      const tokens = { store, options };
      const eachCall = await measureEachCall(phase, tokens);
      const sharedMutex = await measureMutex(phase, tokens);
      return { variants: { eachCall, sharedMutex, polling: await measurePolling(phase, tokens) } };
    } finally {
      await store.close();
    }
  },
};
