import type { ComponentChildren } from 'preact';
import { type Page, type PageFrame, renderPage } from '../page.tsx';

/** Where the user can go from a page. */
export interface WayOn {
  /** The host's page. Absent: the flow has none. */
  returnUrl?: string | undefined;
}

export function WayBack({ returnUrl }: WayOn) {
  if (returnUrl === undefined)
    return <p class="muted">You can close this page, or go back to the app that sent you here.</p>;
  return (
    <p>
      <a class="button quiet" href={returnUrl}>
        Go back
      </a>
    </p>
  );
}

/** Renders a page that follows a consent. */
export function outcome(
  frame: PageFrame,
  title: string,
  parts: ComponentChildren[],
  way: Pick<Page, 'live' | 'refreshSeconds'> = {},
): string {
  return renderPage({
    ...frame,
    ...way,
    title,
    children: (
      <>
        <h1>{title}</h1>
        {parts}
      </>
    ),
  });
}
