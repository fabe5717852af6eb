export interface ConsentPage {
  clientName: string;
  scopes: readonly string[];
  /** The MCP server that the tokens are for. */
  resource: string | undefined;
  /** Fills in the field. */
  account: string;
}

/** The page on which a person signs in and consents. It loads nothing and runs no script. */
export function consentPage({ clientName, scopes, resource, account }: ConsentPage): string {
  const client = escapeHtml(clientName);
  const items = scopes
    .filter((scope) => scope !== '')
    .map((scope) => `<li><code>${escapeHtml(scope)}</code></li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in – demo authorization server</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="where">Demo authorization server</p>
<h1>Allow <strong>${client}</strong>?</h1>
<p>It asks to act for you${resource === undefined ? '' : ` at <code>${escapeHtml(resource)}</code>`} with these permissions:</p>
<ul>${items.join('')}</ul>
<form method="post">
<label for="account">Account</label>
<input id="account" name="account" value="${escapeHtml(account)}" required maxlength="255" autocomplete="username" autocapitalize="none" spellcheck="false" aria-describedby="any">
<p id="any" class="hint">There is no password here: any name will do, such as ada@example.com.</p>
<p class="buttons">
<button name="decision" value="allow">Sign in and allow</button>
<button name="decision" value="deny" class="secondary" formnovalidate>Deny</button>
</p>
</form>
</main>
</body>
</html>
`;
}

const STYLE = `
:root { color-scheme: light dark; font: 100%/1.5 system-ui, sans-serif; }
body { margin: 0; padding: 1.5rem 1rem; background: light-dark(#f3f1ec, #1d1c1a); color: light-dark(#24211c, #f0ede6); }
main { box-sizing: border-box; max-width: 26rem; margin: 4vh auto; padding: 1.5rem; border-radius: .75rem;
  background: light-dark(#fff, #2a2825); overflow-wrap: anywhere; }
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.25; }
.where, .hint { margin: 0 0 .5rem; font-size: .875rem; color: light-dark(#635d52, #b8b1a4); }
label { display: block; font-weight: 600; }
input { box-sizing: border-box; width: 100%; margin: .25rem 0; padding: .5rem .6rem; font: inherit; }
.buttons { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0 0; }
button { padding: .55rem 1rem; border: 1px solid #7a4a12; border-radius: .4rem; font: inherit; font-weight: 600;
  background: #7a4a12; color: #fff; cursor: pointer; }
button.secondary { background: transparent; color: inherit; border-color: currentcolor; }
`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
