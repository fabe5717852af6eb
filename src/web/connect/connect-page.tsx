import type { ComponentChildren } from 'preact';
import { CsrfField, type PageFrame, renderPage } from '../page.tsx';
import { Notice } from '../parts/notice.tsx';

/** What a user connects. */
export interface ConnectTarget {
  /** The server's title, or its id. */
  server: string;
  /** The host of the server's address. */
  host: string;
  /** In words: web/step-words.ts. */
  account: string;
  /** Steps that name no account act as this one. */
  isDefaultAccount: boolean;
  userId: string;
}

export interface ConnectPage {
  target: ConnectTarget;
  /** Paused steps that go on then. */
  waiting: number;
  form: ConnectForm;
}

/** The form of the button: it brings back what the page was opened with. */
export interface ConnectForm {
  action: string;
  csrf: string;
  fields: Record<string, string>;
}

/** Asks the user whether to connect. Opening it has no effect. */
export function connectPage(frame: PageFrame, { target, waiting, form }: ConnectPage): string {
  const title = `Connect ${target.server}`;
  return renderPage({
    ...frame,
    title,
    children: (
      <>
        <h1>{title}</h1>
        {waiting > 0 && (
          <Notice>
            <p>
              {waiting === 1 ? '1 paused step goes on' : `${waiting} paused steps go on`} as soon as you have
              connected.
            </p>
          </Notice>
        )}
        <p>
          You go to the sign-in page of {target.server} and decide there what you allow. Then you come back
          here.
        </p>
        <ConnectTargetCard target={target}>
          <p>
            Continue only if you are <strong dir="auto">{target.userId}</strong>: what you allow can be used
            by that user.
          </p>
          <form method="post" action={form.action} id="connect">
            <CsrfField value={form.csrf} />
            {Object.entries(form.fields).map(([name, value]) => (
              <input type="hidden" name={name} value={value} key={name} />
            ))}
            <button type="submit">Connect</button>
          </form>
        </ConnectTargetCard>
      </>
    ),
  });
}

/** Says who connects what, as whom. */
export function ConnectTargetCard({
  target,
  children,
}: {
  target: ConnectTarget;
  children?: ComponentChildren;
}) {
  return (
    <div class="card">
      <dl>
        <dt>Server</dt>
        <dd dir="auto">{target.server}</dd>
        <dt>Address</dt>
        <dd>{target.host}</dd>
        <dt>Account</dt>
        <dd dir="auto">{target.account}</dd>
        <dt>User</dt>
        <dd dir="auto">{target.userId}</dd>
      </dl>
      {children}
    </div>
  );
}
