/** Something that can be named by its id or its label. */
export interface Named {
  readonly id: string;
  readonly label: string;
}

/** The most ids that one suggestion names. */
const SUGGESTIONS_MAX = 3;
/** Longer texts are no slip of the pen, and comparing them takes long. */
const COMPARED_LENGTH_MAX = 64;

/**
 * `; did you mean us-east?` to end a sentence, or nothing: the ids of up to three candidates whose
 * id or label is close to what was asked for, nearest first, whatever the case.
 */
export function suggestion(wanted: string, candidates: readonly Named[]): string {
  const ids = closest(wanted, candidates).map(({ id }) => id);
  if (ids.length === 0) return '';
  const last = ids.at(-1);
  return `; did you mean ${ids.length === 1 ? last : `${ids.slice(0, -1).join(', ')} or ${last}`}?`;
}

function closest(wanted: string, candidates: readonly Named[]): readonly Named[] {
  if (wanted.length > COMPARED_LENGTH_MAX) return [];
  const ranked = candidates
    .map((candidate) => ({ candidate, rank: rankOf(wanted, candidate) }))
    .filter(({ rank }) => rank < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.rank - b.rank || (a.candidate.id < b.candidate.id ? -1 : 1));
  // Beside one that is nearer by an edit, the others only distract.
  const nearest = Math.ceil(ranked[0]?.rank ?? 0);
  return ranked
    .filter(({ rank }) => Math.ceil(rank) === nearest)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ candidate }) => candidate);
}

const rankOf = (wanted: string, { id, label }: Named): number =>
  Math.min(distance(wanted, id), distance(wanted, label));

/**
 * How far the names are apart, whatever their case: less than one edit, where one contains the
 * other, and the less the more of it that is; so many edits, where they are few for the length;
 * infinitely otherwise.
 */
function distance(wanted: string, name: string): number {
  const [a, b] = [wanted.toLowerCase(), name.toLowerCase()];
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a];
  if (shorter.length >= 3 && longer.includes(shorter)) return 1 - shorter.length / longer.length;
  const count = edits(a, b);
  return count <= Math.max(1, Math.floor(longer.length / 3)) ? count : Number.POSITIVE_INFINITY;
}

/** Levenshtein's distance: the insertions, deletions and replacements that make `b` of `a`. */
function edits(a: string, b: string): number {
  const others = [...b];
  let row = [...others.keys(), others.length];
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of others.entries()) {
      const [left = 0, above = 0, diagonal = 0] = [next[j], row[j + 1], row[j]];
      next.push(Math.min(left + 1, above + 1, diagonal + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
