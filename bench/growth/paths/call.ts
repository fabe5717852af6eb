import { randomUUID } from 'node:crypto';
import { noteChanges } from '../../../src/changes/watched-user-store.ts';
import { readConnection } from '../../../src/credentials/credential-store.ts';
import { readResult, storeResult } from '../../../src/results/result-store.ts';
import { extendCallPlaces, releaseCallPlace, takeCallPlace } from '../../../src/servers/call-place-store.ts';
import { isQuarantined, listQuarantined } from '../../../src/temporal/stuck-run-store.ts';
import { done, type HotPath } from './hot-path.ts';

const LIMIT = 1_000;

/** A call reads its connection. The others are for servers with a limit, large results, and open pages. */
export const callPath: HotPath = {
  name: 'call',
  operations({ pool, vault, nextConnected }) {
    const key = nextConnected();
    const place = { id: randomUUID(), mcpServerId: key.mcpServerId };
    const result = Buffer.from(JSON.stringify({ content: [] }));
    return [
      ['readConnection', () => done(readConnection(pool, key))],
      ['takeCallPlace', () => done(takeCallPlace(pool, place, LIMIT))],
      ['extendCallPlaces', () => extendCallPlaces(pool, [place])],
      ['releaseCallPlace', () => releaseCallPlace(pool, place)],
      ['noteChanges', () => noteChanges(pool, [key.userId])],
      [
        'storeResult',
        async () => {
          const { id } = await storeResult({ db: pool, vault }, { ...key, workflowId: 'step/1' }, result);
          await readResult({ db: pool, vault }, key.userId, id);
        },
      ],
      ['isQuarantined', () => isQuarantined(pool, randomUUID())],
      ['listQuarantined', () => listQuarantined(pool, LIMIT)],
    ];
  },
};
