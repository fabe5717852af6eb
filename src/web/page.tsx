import { createHash } from 'node:crypto';
import type { ComponentChildren } from 'preact';
import { render } from 'preact-render-to-string';
import { KeySign } from './parts/icons.tsx';
import { connectionsPath, homePath, operationsPath, serversPath, startPath } from './paths.ts';
import type { Reader } from './reader.ts';
import { scriptPath } from './script.ts';
import { stylesheetPath } from './stylesheet.ts';

/** What surrounds the content of every page. */
export interface PageFrame {
  /** The path of PUBLIC_URL without a trailing slash: `` or `/latchkey`. All links of a page begin with it. */
  base: string;
  reader: Reader;
  /** The page answers a form, so its address may lead to no page: the script does not fetch it again. */
  answersForm?: boolean;
  /** Seconds for which the browser has had the page open, where its script fetches it again. Absent: it is opened now. */
  openSeconds?: number;
  /** The change number of the user that the page shows at least; absent: unknown. */
  change?: string;
  /** The signed-in user, and the CSRF token of the form that signs out. */
  user?: { userId: string; csrf: string; isAdmin: boolean };
}

/** The parts of the page to which the navigation leads. */
export type Section = 'home' | 'start' | 'connections' | 'servers' | 'operations';

export interface Page extends PageFrame {
  title: string;
  section?: Section;
  /** The page's script updates the page when something of the user's changes. */
  live?: boolean;
  /** Seconds between two fetches of the page by its script. For readers who get no events. */
  refreshSeconds?: number | undefined;
  /** Lists need more room than texts. */
  isWide?: boolean;
  /** Contains the page's one `h1`. */
  children: ComponentChildren;
}

/** Renders a whole HTML document. Texts are escaped. The document loads only files of this server. */
export function renderPage(page: Page): string {
  return `<!doctype html>\n${render(<PageDocument {...page} />)}\n`;
}

function PageDocument(page: Page) {
  const { title, base, user, reader, section, live = false, isWide = false, refreshSeconds, children } = page;
  const isLive = live && user !== undefined && page.answersForm !== true;
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`${title} · Latchkey`}</title>
        <link rel="icon" href={ICON} />
        <link rel="stylesheet" href={`${base}${stylesheetPath()}`} />
        <script src={`${base}${scriptPath()}`} defer />
      </head>
      <body
        data-base={base}
        data-signed-in={markOf(user)}
        data-time-zone={reader.isTimeZoneKnown ? reader.timeZone : ''}
        data-events={isLive ? `${base}/events` : undefined}
        data-change={isLive ? page.change : undefined}
        data-form={page.answersForm === true ? '' : undefined}
      >
        <a class="skip" href="#main">
          Skip to the content
        </a>
        <Navigation base={base} user={user} section={section} />
        <main
          id="main"
          class={isWide ? 'wide' : undefined}
          tabindex={-1}
          data-refresh-seconds={refreshSeconds}
        >
          {children}
        </main>
      </body>
    </html>
  );
}

/** Differs between sessions, users and rights: the script never puts what one may see into the page of another. */
function markOf(user: PageFrame['user']): string {
  if (user === undefined) return '';
  const parts = [user.csrf, user.userId, String(user.isAdmin)];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Crect width='24' height='24' rx='5' fill='%233b48c4'/%3E%3Cg fill='none' stroke='%23fff' stroke-width='2.2' stroke-linecap='round'%3E%3Ccircle cx='8.5' cy='12' r='3.5'/%3E%3Cpath d='M12 12h7.5M16 12v3.5M19 12v2.5'/%3E%3C/g%3E%3C/svg%3E";

const LINKS: readonly { section: Section; label: string; path: (base: string) => string; admin?: true }[] = [
  { section: 'home', label: 'Home', path: (base) => homePath(base) },
  { section: 'start', label: 'Start a step', path: (base) => startPath(base) },
  { section: 'connections', label: 'Connections', path: connectionsPath },
  { section: 'servers', label: 'Servers', path: serversPath, admin: true },
  { section: 'operations', label: 'Operations', path: (base) => operationsPath(base, 'steps'), admin: true },
];

interface NavigationProps {
  base: string;
  user: PageFrame['user'];
  section: Section | undefined;
}

function Navigation({ base, user, section }: NavigationProps) {
  return (
    <nav aria-label="Latchkey">
      <div class="bar">
        <a class="brand" href={homePath(base)}>
          <KeySign />
          Latchkey
        </a>
        {user !== undefined && (
          <>
            <ul class="sections">
              {LINKS.filter(({ admin }) => admin !== true || user.isAdmin).map((link) => (
                <li key={link.section}>
                  <a href={link.path(base)} aria-current={link.section === section ? 'page' : undefined}>
                    {link.label}
                  </a>
                </li>
              ))}
            </ul>
            <form method="post" action={`${base}/sign-out`}>
              <CsrfField value={user.csrf} />
              <span class="user" dir="auto">
                {user.userId}
              </span>
              <button type="submit" class="quiet small">
                Sign out
              </button>
            </form>
          </>
        )}
      </div>
    </nav>
  );
}

/** The hidden field that every form of a page needs. Its value is bound to the browser and its session. */
export function CsrfField({ value }: { value: string }) {
  return <input type="hidden" name="csrf" value={value} />;
}
