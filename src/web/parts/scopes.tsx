/** Scopes that fit on a line or two. */
const MAX_SHOWN = 4;

interface ScopesProps {
  scopes: readonly string[];
  id: string;
  /** What they are, for screen readers. */
  label?: string;
}

/** The scopes of a grant or a server, folded away where they are many. */
export function Scopes({ scopes, id, label = 'Scopes' }: ScopesProps) {
  if (scopes.length === 0) return null;
  if (scopes.length <= MAX_SHOWN) return <ScopeList scopes={scopes} label={label} />;
  return (
    <details id={id}>
      <summary>{scopes.length} scopes</summary>
      <ScopeList scopes={scopes} label={label} />
    </details>
  );
}

function ScopeList({ scopes, label }: { scopes: readonly string[]; label: string }) {
  return (
    <ul class="chips" aria-label={label}>
      {scopes.map((scope) => (
        <li key={scope}>
          <code dir="auto">{scope}</code>
        </li>
      ))}
    </ul>
  );
}
