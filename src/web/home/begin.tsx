import { connectPath } from '../connect/own-page.ts';
import type { PageFrame } from '../page.tsx';
import { EmptyState } from '../parts/empty-state.tsx';
import { NoServers } from '../parts/no-servers.tsx';
import { connectionsPath, startPath } from '../paths.ts';
import type { NameOfServer } from './names.tsx';
import type { Home } from './read-home.ts';

interface BeginProps {
  frame: PageFrame;
  home: Home;
  nameOfServer: NameOfServer;
}

/** What a user who has no step yet does first. */
export function Begin(props: BeginProps) {
  return (
    <>
      <FirstThing {...props} />
      <p class="muted begin-program">
        From a program, a step begins with <code>POST /steps</code>:{' '}
        <a href={`${props.frame.base}/docs`}>read the API’s description</a>.
      </p>
    </>
  );
}

function FirstThing({ frame, home: { servers, connections }, nameOfServer }: BeginProps) {
  if (servers.length === 0) return <NoServers frame={frame} />;
  const isReady = connections.length > 0 || servers.some(({ auth }) => auth.type !== 'oauth2');
  if (isReady) return <NoStep base={frame.base} />;
  const [first, ...others] = servers;
  if (first === undefined) return null;
  return (
    <EmptyState title="Connect a server first">
      <p>A step calls a tool of an MCP server for you. For that, the server needs your consent.</p>
      <p class="actions">
        <a class="button" href={connectPath(frame.base, { mcpServerId: first.id, from: 'home' })}>
          <span>
            Connect <bdi>{nameOfServer(first.id)}</bdi>
          </span>
        </a>
        {others.length > 0 && <a href={connectionsPath(frame.base)}>See all servers</a>}
      </p>
    </EmptyState>
  );
}

function NoStep({ base }: { base: string }) {
  return (
    <EmptyState title="No step yet">
      <p>A step calls one tool of a server for you, and goes on after interruptions. Try one.</p>
      <p class="actions">
        <a class="button" href={startPath(base)}>
          Start a step
        </a>
      </p>
    </EmptyState>
  );
}
