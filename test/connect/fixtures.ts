import { test } from 'vitest';
import { closedAfter } from '../support/closed-after.ts';
import { createConnectFixture } from './connect-fixture.ts';
import { startScriptedAuthorizationServer } from './scripted-authorization-server.ts';

/** Tests of the consent flow: one app on one database for the file, a scripted authorization server for each test. */
export const connectTest = test
  .extend(
    'fixture',
    { scope: 'file' },
    closedAfter(createConnectFixture, (fixture) => fixture.close()),
  )
  .extend(
    'server',
    closedAfter(startScriptedAuthorizationServer, (server) => server.stop()),
  )
  /** A server of the MCP kind that is registered with that authorization server. */
  .extend('mcpServerId', ({ fixture, server }) => fixture.register({ authorizationServer: server.issuer }));
