import type { ComponentChildren } from 'preact';
import { render } from 'preact-render-to-string';
import { stylesheetPath } from './stylesheet.ts';

/** What surrounds the content of every page. */
export interface PageFrame {
  /** The path of PUBLIC_URL without a trailing slash: `` or `/latchkey`. All links of a page begin with it. */
  base: string;
  /** The signed-in user, and the CSRF token of the form that signs out. */
  user?: { userId: string; csrf: string };
}

export interface Page extends PageFrame {
  title: string;
  /** Contains the page's one `h1`. */
  children: ComponentChildren;
}

/**
 * Renders a whole HTML document. Texts are escaped. The document loads only the stylesheet and the icon of this server,
 * and runs no script.
 */
export function renderPage(page: Page): string {
  return `<!doctype html>\n${render(<PageDocument {...page} />)}\n`;
}

function PageDocument({ title, base, user, children }: Page) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Latchkey`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={`${base}${stylesheetPath()}`} />
      </head>
      <body>
        <Navigation base={base} user={user} />
        <main>{children}</main>
      </body>
    </html>
  );
}

function Navigation({ base, user }: { base: string; user: PageFrame['user'] }) {
  return (
    <nav aria-label="Latchkey">
      <a class="brand" href={`${base}/`}>
        Latchkey
      </a>
      {user !== undefined && (
        <>
          <a href={`${base}/`}>Connections</a>
          <form method="post" action={`${base}/sign-out`}>
            <CsrfField value={user.csrf} />
            <span class="user">{user.userId}</span>
            <button type="submit" class="quiet">
              Sign out
            </button>
          </form>
        </>
      )}
    </nav>
  );
}

/** The hidden field that every form of a page needs. Its value is bound to the browser and its session. */
export function CsrfField({ value }: { value: string }) {
  return <input type="hidden" name="csrf" value={value} />;
}
