import type { ComponentChildren } from 'preact';
import { CsrfField, type PageFrame } from '../page.tsx';
import { TextField } from '../parts/field.tsx';
import { Notice } from '../parts/notice.tsx';
import type { ConnectTarget } from './connect-page.tsx';
import { renderOutcomePage, WayBack, type WayOn } from './outcome-frame.tsx';

/** Why a choice was not carried out. */
export interface RefusedChoice {
  /** The name that the user gave is another connection's. */
  takenName?: string | undefined;
  /** The user was asked about another consent, in another tab. */
  isAnotherConsent?: boolean;
}

export interface ChoicePage extends WayOn, RefusedChoice {
  target: ConnectTarget;
  /** Of the account that the user has just signed in to. */
  label?: string | undefined;
  /** `consent`: which consent the form asks about. */
  form: { action: string; csrf: string; consent: string };
}

/** Asks what to do with a consent of another account at the provider than the connected one. */
export function choicePage(
  frame: PageFrame,
  { target, label, form, takenName, isAnotherConsent, ...way }: ChoicePage,
): string {
  return renderOutcomePage(frame, 'This is another account', [
    isAnotherConsent === true && (
      <Notice kind="problem" hasFocus>
        <p>You have signed in once more meanwhile, so your choice was not carried out. Choose again.</p>
      </Notice>
    ),
    <p>
      You have signed in to {target.server}{' '}
      {label === undefined ? (
        'with another account'
      ) : (
        <>
          as <strong dir="auto">{label}</strong>, which is another account
        </>
      )}{' '}
      than the one that is connected{connectedAs(target)}. Nothing was changed yet.
    </p>,
    <section class="card" aria-labelledby="keep">
      <h2 id="keep">Keep both</h2>
      <form method="post" action={form.action} id="keep-form">
        <CsrfField value={form.csrf} />
        <input type="hidden" name="choice" value="another" />
        <input type="hidden" name="consent" value={form.consent} />
        <TextField
          name="account"
          label="Name of the new account"
          value={takenName ?? label ?? ''}
          problem={takenName && `You have another connection called “${takenName}”. Choose another name.`}
          hasFocus={takenName !== undefined}
          limits={{ maxlength: 255 }}
          required
        />
        <button type="submit">Keep as another account</button>
      </form>
    </section>,
    <section class="card" aria-labelledby="replace">
      <h2 id="replace">Replace the connected account</h2>
      <p>
        Steps that{' '}
        {target.isDefaultAccount ? (
          'name no account'
        ) : (
          <>
            use <bdi>{target.account}</bdi>
          </>
        )}{' '}
        then act as the account that you have just signed in to.
      </p>
      <form method="post" action={form.action} id="replace-form">
        <CsrfField value={form.csrf} />
        <input type="hidden" name="choice" value="replace" />
        <input type="hidden" name="consent" value={form.consent} />
        <button type="submit" class="danger">
          {target.isDefaultAccount ? (
            'Replace it'
          ) : (
            <>
              Replace <bdi>{target.account}</bdi>
            </>
          )}
        </button>
      </form>
    </section>,
    <WayBack {...way} base={frame.base} />,
  ]);
}

function connectedAs({ account, isDefaultAccount }: ConnectTarget): ComponentChildren {
  if (isDefaultAccount) return ' now';
  return (
    <>
      {' '}
      as <strong dir="auto">{account}</strong>
    </>
  );
}
