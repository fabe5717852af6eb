/** The id that the MCP server is registered under. */
export const MCP_SERVER_ID = 'ledger';

/** The task queues of Latchkey's workers and of the bare ones. */
export const STEP_QUEUE = 'bench-steps';
export const BARE_QUEUE = 'bench-bare';

/** The call that steps and bare workflows make. */
export const CALL = { tool: 'create_invoice', arguments: { customer: 'ACME', amount: 42 } };

/** What has been started, to be ended from the last to the first, also where a start failed. */
export type Undo = (() => Promise<unknown>)[];

/** The signal that a waiting bare workflow goes on at. */
export const RELEASE = 'release';

/** The phases of `--growth`: how costs rise with the numbers of users, servers, credentials and waiting steps. */
export const GROWTH_PHASES = ['users', 'servers', 'credentials', 'deposits'] as const;
