/** Marks a server that an admin has paused. */
export function PausedBadge() {
  return (
    <span class="status" data-state="paused">
      Paused
    </span>
  );
}
