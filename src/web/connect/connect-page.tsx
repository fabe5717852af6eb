import { CsrfField, type PageFrame, renderPage } from '../page.tsx';

/** What a user connects. */
export interface ConnectTarget {
  /** The server's title, or its id. */
  server: string;
  /** The host of the server's address. */
  host: string;
  /** `default` where the user has not named one. */
  account: string;
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
        <p>
          You go to the sign-in page of {target.server} and decide there what you allow. Then you come back
          here.
        </p>
        <ConnectTargetList target={target} />
        {waiting > 0 && (
          <p class="notice">
            {waiting === 1 ? '1 paused step goes on' : `${waiting} paused steps go on`} as soon as you have
            connected.
          </p>
        )}
        <p>
          Continue only if you are <strong>{target.userId}</strong>: what you allow can be used by that user.
        </p>
        <form method="post" action={form.action}>
          <CsrfField value={form.csrf} />
          {Object.entries(form.fields).map(([name, value]) => (
            <input type="hidden" name={name} value={value} key={name} />
          ))}
          <button type="submit">Connect</button>
        </form>
      </>
    ),
  });
}

export function ConnectTargetList({ target }: { target: ConnectTarget }) {
  return (
    <dl>
      <dt>Server</dt>
      <dd>
        {target.server} ({target.host})
      </dd>
      <dt>Account</dt>
      <dd>{target.account}</dd>
      <dt>User</dt>
      <dd>{target.userId}</dd>
    </dl>
  );
}
