import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { runLatchkey, type TypescriptProcess } from '../../support/child-process.ts';

export interface ServerProcess extends TypescriptProcess {
  url: string;
  /** @param scope space-separated. Default: none, as users have it */
  tokenOf(userId: string, scope?: string): Promise<string>;
}

/** `latchkey server`, in a process of its own; resolves when it listens. */
export async function startServerProcess(environment: Record<string, string>): Promise<ServerProcess> {
  const secret = randomBytes(32).toString('base64');
  const server = runLatchkey({ ...environment, PORT: '0', JWT_SECRET: secret, LOG_LEVEL: 'info' }, 'server');
  const url = await readyAt(server);
  return {
    ...server,
    url,
    tokenOf: (sub, scope) =>
      new SignJWT({ sub, scope, exp: Math.floor(Date.now() / 1000) + 3600 })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(Buffer.from(secret)),
  };
}

async function readyAt(server: TypescriptProcess): Promise<string> {
  for (;;) {
    const line = JSON.parse(await server.nextLine());
    if (line.msg === 'ready') return line.url;
  }
}
