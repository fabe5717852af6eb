import pg from 'pg';
import { createPool } from '../../../../src/db/pool.ts';
import { serverRegistrationSchema } from '../../../../src/schemas/server.ts';
import { createServerStore } from '../../../../src/servers/server-store.ts';
import { NEW_GRANT } from './authorization-server-model.ts';
import { createCodeMemory } from './code-memory.ts';
import { type Exploration, explore } from './explore.ts';
import { depositing, KEY, programsFor, type Scenario, transparentVault } from './scenario.ts';
import { createSqlMemory, type ExploredAccounts, NO_ROW } from './sql-memory.ts';
import type { Process, State } from './state.ts';
import { atOnce, LONG_STARTED, type World } from './steps.ts';
import { knowing } from './unknown-yet.ts';

export interface ExplorationFixture {
  explore(scenario: Scenario): Promise<Exploration>;
  /** With all SQL rewritten: some guard is taken out. */
  exploreWithout(rewrite: (sql: string) => string, scenario: Scenario): Promise<Exploration>;
  /** What was learned so far. */
  learned(): { histories: number; statements: number };
  stop(): Promise<void>;
}

/** Real code and a real Postgres to explore, in a database that holds nothing else. */
export async function createExplorationFixture(
  databaseUrl: string,
  accounts: ExploredAccounts = { explored: KEY },
): Promise<ExplorationFixture> {
  await registerServer(databaseUrl);
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const code = createCodeMemory(programsFor(accounts.explored));
  const sql = await createSqlMemory(client, accounts);
  return {
    explore: (scenario) => run({ scenario, code, sql }),
    exploreWithout: (rewrite, scenario) => run({ scenario, code, sql: sql.rewritten(rewrite) }),
    learned: () => ({ histories: code.runs(), statements: sql.executed() }),
    stop: () => client.end(),
  };
}

async function registerServer(databaseUrl: string): Promise<void> {
  const pool = createPool({ databaseUrl, size: 1, onIdleError: () => {} });
  const registration = { url: 'https://mcp.example/mcp', auth: { type: 'oauth2' } };
  const store = createServerStore(pool, transparentVault);
  await store.put(KEY.mcpServerId, serverRegistrationSchema.parse(registration));
  await pool.end();
}

async function run(world: World): Promise<Exploration> {
  const start = await knowing(() => begin(world));
  return explore(world, start);
}

function begin(world: World): State {
  const { renewals, users, budget } = world.scenario;
  const seen = { credentialVersion: 1, tokenVersion: 1 };
  const renewers = renewals.map((todo): Process => ({ role: 'renewer', life: 'running', todo, seen }));
  const revokers: Process[] = users.includes('disconnect')
    ? [{ role: 'revoker', life: 'running', todo: 0, seen }]
    : [];
  const empty: State = {
    row: NO_ROW,
    startedAgo: LONG_STARTED,
    grants: { r: NEW_GRANT },
    processes: [...renewers, ...revokers],
    requests: [],
    toCome: users,
    faultsLeft: budget,
    orphaned: {},
    excused: '',
  };
  return atOnce(world, empty, depositing('r1'));
}
