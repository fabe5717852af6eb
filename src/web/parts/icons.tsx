/** The sign of Latchkey: a key. */
export function KeySign() {
  return (
    <svg class="sign" viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false">
      <circle cx="8" cy="12" r="4.5" fill="none" stroke="currentColor" stroke-width="2.5" />
      <path
        d="M12.5 12H22M17 12v4.5M21 12v3"
        fill="none"
        stroke="currentColor"
        stroke-width="2.5"
        stroke-linecap="round"
      />
    </svg>
  );
}
