import { type PageFrame, renderPage } from './page.tsx';
import { Notice } from './parts/notice.tsx';
import { connectionsPath, homePath } from './paths.ts';

export interface PageProblem {
  status: number;
  /** A sentence for the user. */
  detail: string;
  /** Identifies the request in the log. */
  requestId: string;
  /** The request was part of connecting a server, so the page says that it is not connected. */
  connecting?: ConnectingProblem | undefined;
}

export interface ConnectingProblem {
  /** Absent: another try is useless. */
  retry?: Retry | undefined;
}

export type Retry =
  /** By opening the address of the page itself again, which the page does not repeat: it may hold a secret. */
  { kind: 'reload' } | { kind: 'open'; path: string; query: [name: string, value: string][] };

/** The page of a request that failed. */
export function errorPage(frame: PageFrame, { status, detail, requestId, connecting }: PageProblem): string {
  const kind = titleOf(status);
  const title = connecting === undefined ? kind : 'Not connected';
  return renderPage({
    ...frame,
    title,
    children: (
      <>
        <h1>{title}</h1>
        <Notice kind={status >= 500 ? 'warning' : 'problem'}>
          <p>{connecting === undefined || detail.startsWith(kind) ? detail : `${kind}. ${detail}`}</p>
        </Notice>
        {connecting?.retry !== undefined && <TryAgain retry={connecting.retry} />}
        {frame.user !== undefined && <WayOn base={frame.base} isConnecting={connecting !== undefined} />}
        <p class="muted">
          If this happens again, tell the people who run this service: request <code>{requestId}</code>.
        </p>
      </>
    ),
  });
}

/** An empty reference: RFC 3986 §4.4. */
const THIS_PAGE = '';

function TryAgain({ retry }: { retry: Retry }) {
  if (retry.kind === 'reload') {
    return (
      <p>
        <a class="button" href={THIS_PAGE}>
          Try again
        </a>
      </p>
    );
  }
  return (
    <form method="get" action={retry.path}>
      {retry.query.map(([name, value]) => (
        <input type="hidden" name={name} value={value} key={name} />
      ))}
      <button type="submit">Try again</button>
    </form>
  );
}

function WayOn({ base, isConnecting }: { base: string; isConnecting: boolean }) {
  return (
    <p>
      {isConnecting ? (
        <a href={connectionsPath(base)}>Go to your connections</a>
      ) : (
        <a href={homePath(base)}>Go to the home page</a>
      )}
    </p>
  );
}

function titleOf(status: number): string {
  switch (status) {
    case 403:
      return 'Not allowed';
    case 404:
      return 'Not found';
    case 429:
      return 'Too many requests';
    case 503:
      return 'Not available at the moment';
    default:
      return status < 500 ? 'This request can’t be used' : 'Something went wrong';
  }
}
