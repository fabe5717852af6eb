import { randomBytes } from 'node:crypto';
import { type ScriptedMcpServer, startScriptedMcpServer } from './scripted-mcp-server.ts';
import type { World } from './world.ts';

export interface RegisteredScriptedServer {
  server: ScriptedMcpServer;
  mcpServerId: string;
}

/** Scripted MCP servers that steps of a world can call; they need no credential. */
export interface ScriptedServers {
  /** @param registration what `PUT /mcp-servers/:id` may say beside the URL */
  register(registration?: object): Promise<RegisteredScriptedServer>;
  closeAll(): Promise<void>;
}

export function createScriptedServers(world: World): ScriptedServers {
  const servers: ScriptedMcpServer[] = [];
  return {
    async register(registration = {}) {
      const server = await startScriptedMcpServer();
      servers.push(server);
      const mcpServerId = newServerId();
      await world.register(mcpServerId, { url: server.url, auth: { type: 'none' }, ...registration });
      return { server, mcpServerId };
    },
    async closeAll() {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

/** A server's id that nothing else in the world has. */
export function newServerId(): string {
  return `scripted-${randomBytes(4).toString('hex')}`;
}
