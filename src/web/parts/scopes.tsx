/** Scopes that fit on a line or two. */
const MAX_SHOWN = 4;

/** The scopes of a grant or a server, folded away where they are many. */
export function Scopes({ scopes, id }: { scopes: readonly string[]; id: string }) {
  if (scopes.length === 0) return null;
  if (scopes.length <= MAX_SHOWN) return <ScopeList scopes={scopes} />;
  return (
    <details id={id}>
      <summary>{scopes.length} scopes</summary>
      <ScopeList scopes={scopes} />
    </details>
  );
}

function ScopeList({ scopes }: { scopes: readonly string[] }) {
  return (
    <ul class="chips" aria-label="Scopes">
      {scopes.map((scope) => (
        <li key={scope}>
          <code dir="auto">{scope}</code>
        </li>
      ))}
    </ul>
  );
}
