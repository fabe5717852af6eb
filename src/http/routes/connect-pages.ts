// The HTML of the pages that routes/connect.ts sends. It loads nothing and runs no script.

/** Tells the user how to connect the server again. `step` is the step that waits for it, if any. */
export function reconnectPage({
  mcpServerId,
  name,
  step,
}: {
  mcpServerId: string;
  name: string;
  step: string | undefined;
}): string {
  const server = escapeHtml(name);
  const isWaiting = step !== undefined && step !== '';
  return page(
    `Connect ${server} again`,
    `<p>${isWaiting ? 'Something that was being done for you has paused. It' : 'The app that sent you here'} needs your permission
to use <strong>${server}</strong>: there is none yet, or it has ended.</p>
<h2>What to do</h2>
<ol>
<li>Go back to the app that sent you here.</li>
<li>Find its connections or integrations there, and connect <strong>${server}</strong> again.</li>
</ol>
<p>${isWaiting ? 'You do not need to start anything again. The paused work continues as soon as you have reconnected.' : 'Nothing else is needed.'}
You can't connect it on this page.</p>
<h2>If that does not help</h2>
<p>Tell the people who run that app: server <code>${escapeHtml(mcpServerId)}</code>${
      isWaiting ? `, step <code>${escapeHtml(step.slice(0, 128))}</code>` : ''
    }.</p>
<p><small>For them: the app asks for the user's consent itself and deposits the credentials with
<code>POST /mcp-oauth-credentials</code>. Every step that waits for them then continues.</small></p>`,
  );
}

export function brokenLinkPage(): string {
  return page(
    'This link is not complete',
    `<p>It does not say which server it is about, or says something twice.</p>
<h2>What to do</h2>
<p>Go back to the app that sent you here and follow the link again. If that leads here too, tell the people who run that app.</p>`,
  );
}

export function unknownServerPage(mcpServerId: string): string {
  return page(
    'This link leads nowhere',
    `<p>No server is known here as <code>${escapeHtml(mcpServerId)}</code>. It may have been removed, or the link is not complete.</p>
<h2>What to do</h2>
<p>Go back to the app that sent you here and follow the link again. If that leads here too, tell the people who run that app
which server this page names.</p>
<p><small>For them: register the server with <code>PUT /mcp-servers/:id</code>; credentials are deposited with
<code>POST /mcp-oauth-credentials</code>.</small></p>`,
  );
}

/** Both arguments are HTML. */
function page(heading: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${heading}</title>
</head>
<body>
<main>
<h1>${heading}</h1>
${body}
</main>
</body>
</html>
`;
}

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
