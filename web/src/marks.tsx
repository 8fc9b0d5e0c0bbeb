/** The brand: a cord, and the spark on it. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path class="mark-cord" d="M2 23c7 0 6-10 13-10s5 4 9 1" />
      <circle class="mark-spark" cx="25" cy="12.5" r="4.5" />
      <path class="mark-ray" d="M25 2.5v3M31.5 12.5h-2M30 5.5l-2 2.5M20 5.5l2 2.5" />
    </svg>
  );
}

const ICONS = {
  launch: 'M4 20c5 0 4-8 9-8M13 12l7-8M20 4h-5M20 4v5',
  clusters: 'M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h6v6h-6z',
  history: 'M5 20V10M12 20V4M19 20v-7',
  budget: 'M3 7h18v12H3zM3 11h18M16 15h2',
  schedules: 'M12 7v5l3 3M21 12a9 9 0 1 1-18 0a9 9 0 0 1 18 0',
} as const;

export function NavIcon({ name }: { name: keyof typeof ICONS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}
