import { type PageFrame, renderPage } from './page.tsx';

export interface PageProblem {
  status: number;
  /** A sentence for the user. */
  detail: string;
  /** Identifies the request in the log. */
  requestId: string;
}

/** The page of a request that failed. */
export function errorPage(frame: PageFrame, { status, detail, requestId }: PageProblem): string {
  const title = titleOf(status);
  return renderPage({
    ...frame,
    title,
    children: (
      <>
        <h1>{title}</h1>
        <p>{detail}</p>
        <p>
          <a href={`${frame.base}/`}>Go to your connections</a>
        </p>
        <p class="muted">
          If this happens again, tell the people who run this service: request <code>{requestId}</code>.
        </p>
      </>
    ),
  });
}

function titleOf(status: number): string {
  switch (status) {
    case 403:
      return 'Not allowed';
    case 404:
      return 'Nothing is here';
    case 429:
      return 'Too many requests';
    case 503:
      return 'Not available at the moment';
    default:
      return status < 500 ? 'This request can’t be used' : 'Something went wrong';
  }
}
