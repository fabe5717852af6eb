/** Changes for narrow screens. Last, because it overrides. */
export const PHONE = `@media (max-width: 36rem) {
  main { padding-top: 1.25rem; }
  nav .bar { gap: 0 1rem; }
  nav .sections { order: 3; flex-basis: 100%; flex-wrap: wrap; gap: 0 0.75rem; }
  nav .user { max-width: 6rem; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 0.5rem; }
  .timeline li { grid-template-columns: 1fr; }
  .filters .tabs { gap: 0; }
  .filters .tabs a { min-height: 2.75rem; padding: 0 0.5625rem; }
  nav .sections a { min-height: 2.75rem; }
  .card, .rows > li { padding-left: 1rem; padding-right: 1rem; }
}
`;
