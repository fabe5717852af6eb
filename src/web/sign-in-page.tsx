import { CsrfField, type PageFrame, renderPage } from './page.tsx';
import { DoneNotice } from './parts/done-notice.tsx';
import { TextField } from './parts/field.tsx';
import { Notice } from './parts/notice.tsx';
import { homePath } from './paths.ts';

/** How users sign in by themselves. `links`: not at all, only by the links that `POST /sign-in-links` creates. */
export type SignInForm = { kind: 'development'; userId: string } | { kind: 'oidc' } | { kind: 'links' };

export interface SignInPage {
  form: SignInForm;
  csrf: string;
  /** The path below PUBLIC_URL where the browser goes after the sign-in. */
  returnTo: string;
  /** The reader has just signed out. */
  isSignedOut: boolean;
}

export function signInPage(frame: PageFrame, { form, csrf, returnTo, isSignedOut }: SignInPage): string {
  const title = isSignedOut && form.kind === 'links' ? 'Signed out' : 'Sign in';
  return renderPage({
    ...frame,
    title,
    children: (
      <>
        <h1>{title}</h1>
        {isSignedOut && <DoneNotice done="signed-out" />}
        {form.kind === 'links' ? (
          <Notice>
            <p>
              {isSignedOut ? 'To come back, open' : 'You can’t sign in here by yourself. Open'} the app that
              sent you here, and follow its link again: it signs you in.
            </p>
          </Notice>
        ) : (
          <form method="post" action={`${frame.base}/sign-in`} class="card" id="sign-in">
            <CsrfField value={csrf} />
            <input type="hidden" name="returnTo" value={returnTo} />
            {form.kind === 'development' ? (
              <DevelopmentFields userId={form.userId} />
            ) : (
              <p>You sign in with your organization’s account and come back here.</p>
            )}
            <button type="submit">Sign in</button>
          </form>
        )}
      </>
    ),
  });
}

function DevelopmentFields({ userId }: { userId: string }) {
  return (
    <>
      <p>This is a development server: it asks for no password.</p>
      <TextField name="user" label="User id" value={userId} limits={{ maxlength: 255 }} required />
    </>
  );
}

/** Asks whether a link may replace the session of another user. */
export function switchUserPage(
  frame: PageFrame,
  { token, userId, current, csrf }: { token: string; userId: string; current: string; csrf: string },
): string {
  return renderPage({
    ...frame,
    title: 'Sign in as another user?',
    children: (
      <>
        <h1>Sign in as another user?</h1>
        <p>
          This browser is signed in as{' '}
          <bdi>
            <strong>{current}</strong>
          </bdi>
          . The link that you followed signs in{' '}
          <bdi>
            <strong>{userId}</strong>
          </bdi>{' '}
          instead. Continue only if that is you.
        </p>
        <form method="post" action={`${frame.base}/sign-in-links/${token}`} class="actions">
          <CsrfField value={csrf} />
          <button type="submit">Sign in</button>
          <a class="button quiet" href={homePath(frame.base)}>
            Stay signed in as {current}
          </a>
        </form>
      </>
    ),
  });
}

/**
 * A sign-in that failed.
 *
 * @param isRetriable whether to offer the sign-in page
 */
export function notSignedInPage(
  frame: PageFrame,
  explanation: string,
  { isRetriable }: { isRetriable: boolean },
): string {
  return renderPage({
    ...frame,
    title: 'Not signed in',
    children: (
      <>
        <h1>Not signed in</h1>
        <Notice kind="problem">
          <p>{explanation}</p>
        </Notice>
        {isRetriable && (
          <p>
            <a class="button" href={`${frame.base}/sign-in`}>
              Try again
            </a>
          </p>
        )}
      </>
    ),
  });
}
