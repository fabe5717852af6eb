import type { ComponentChildren } from 'preact';
import { type Page, type PageFrame, renderPage } from '../page.tsx';
import { ownPageLabel } from './own-page.ts';

/** Where the user can go from a page. */
export interface WayOn {
  /** The host's page. Absent: the flow has none. */
  returnUrl?: string | undefined;
  /** The path of the page of ours that the user came from. Absent: the user came from a host. */
  ownPage?: string | undefined;
}

interface WayBackProps extends WayOn {
  base: string;
  /** It is what the user does next. */
  isNext?: boolean;
}

export function WayBack({ base, returnUrl, ownPage, isNext = false }: WayBackProps) {
  if (ownPage !== undefined) {
    return (
      <p class="actions">
        <a class={isNext ? 'button' : 'button quiet'} href={ownPage} id="way-back">
          {ownPageLabel(base, ownPage)}
        </a>
      </p>
    );
  }
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
export function renderOutcomePage(
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
