/** Navigation, buttons and forms. */
export const CONTROLS = `nav { background: var(--surface); border-bottom: 1px solid var(--line); }
nav .bar { display: flex; flex-wrap: wrap; align-items: center; gap: 0 1.5rem; max-width: 60rem; margin: 0 auto; padding: 0 1rem; }
nav .brand { display: inline-flex; align-items: center; gap: 0.5rem; min-height: 3.25rem; color: var(--text); font-weight: 700; text-decoration: none; }
nav .sign { color: var(--accent); }
nav .sections { display: flex; gap: 1.25rem; margin: 0; padding: 0; list-style: none; }
nav .sections a { display: inline-flex; align-items: center; min-height: 3.25rem; color: var(--muted); text-decoration: none; border-bottom: 2px solid transparent; border-top: 2px solid transparent; white-space: nowrap; }
nav .sections a:hover { color: var(--text); }
nav .sections a[aria-current] { color: var(--text); font-weight: 600; border-bottom-color: var(--accent); }
nav form { display: flex; align-items: center; gap: 0.75rem; margin: 0 0 0 auto; min-width: 0; }
nav .user { max-width: 14rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--muted); font-size: var(--small); }

/* Two sizes: of what a page is for, and (small) of what can be done with a row of a list. */
button, .button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-height: 2.75rem;
  padding: 0.375rem 1.125rem;
  background: var(--accent);
  color: var(--on-accent);
  border: 1px solid var(--accent);
  border-radius: var(--radius);
  font: inherit;
  font-weight: 600;
  text-decoration: none;
  text-align: center;
  cursor: pointer;
}
button:hover, .button:hover { filter: brightness(1.08); }
button:disabled { opacity: 0.6; cursor: progress; }
button.quiet, .button.quiet { background: var(--surface); color: var(--text); border-color: var(--line-strong); }
button.danger, .button.danger { background: var(--surface); color: var(--red); border-color: currentColor; }
button.small, .button.small { min-height: 2.25rem; padding: 0.125rem 0.75rem; font-size: var(--small); }
@media (max-width: 36rem), (pointer: coarse) {
  button.small, .button.small { min-height: 2.75rem; }
}
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: 0.625rem; }
.actions form { margin: 0; }

main form { margin: 0 0 1rem; }
.field { margin: 0 0 1.25rem; }
label, legend { display: block; margin-bottom: 0.25rem; font-weight: 600; }
label .optional { color: var(--muted); font-weight: 400; font-size: var(--small); }
.hint { margin: 0 0 0.375rem; color: var(--muted); font-size: var(--small); }
.complaint { margin: 0 0 0.375rem; color: var(--red); font-size: var(--small); font-weight: 600; }
input:not([type="checkbox"], [type="radio"], [type="hidden"]), textarea, select {
  display: block;
  width: 100%;
  min-height: 2.75rem;
  padding: 0.5rem 0.75rem;
  background: var(--surface);
  color: var(--text);
  border: 1px solid var(--line-strong);
  border-radius: var(--radius);
  font: inherit;
}
textarea.code { font-family: var(--mono); font-size: var(--small); line-height: 1.5; }
[aria-invalid="true"] { border-color: var(--red) !important; border-width: 2px !important; }
legend { padding: 0; }
.server-form details { margin-bottom: 1.25rem; }
.server-form:has([value="oauth2"]:checked) [data-auth="bearer"], .server-form:has([value="bearer"]:checked) [data-auth="oauth2"], .server-form:has([value="none"]:checked) [data-auth] { display: none; }
.check { display: flex; gap: 0.5rem; align-items: baseline; }
.check label { font-weight: 400; margin: 0; }
fieldset { margin: 0 0 1.25rem; padding: 0; border: 0; }
form.search { display: flex; flex-wrap: wrap; align-items: flex-end; gap: 0.625rem; }
form.search .field { flex: 1 1 14rem; margin: 0; }
.check > div { flex: 1; min-width: 0; }
fieldset .check { margin-bottom: 0.5rem; }
fieldset .hint { margin: 0; }
legend { padding: 0; }
input[type="radio"], input[type="checkbox"] { margin: 0; accent-color: var(--accent); }
`;
