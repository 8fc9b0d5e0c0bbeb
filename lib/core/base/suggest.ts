/** An item that a request may name by its id or by its label. */
export interface Named {
  readonly id: string;
  readonly label: string;
}

/** The most ids that one suggestion names. */
const SUGGESTIONS_MAX = 3;
/** Longer names are not compared: they are no typing slips, and comparing them takes long. */
const COMPARED_LENGTH_MAX = 64;

/**
 * The end of a sentence, such as `; did you mean us-east?`: the ids of up to three candidates whose
 * id or label is close to `wanted` in any case, nearest first. Empty: no candidate is close.
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
  // Keep only the candidates with the fewest edits; those with more would distract.
  const nearest = Math.ceil(ranked[0]?.rank ?? 0);
  return ranked
    .filter(({ rank }) => Math.ceil(rank) === nearest)
    .slice(0, SUGGESTIONS_MAX)
    .map(({ candidate }) => candidate);
}

const rankOf = (wanted: string, { id, label }: Named): number =>
  Math.min(distance(wanted, id), distance(wanted, label));

/**
 * How far two names are apart, in any case:
 * 1. less than 1 if the longer name contains the shorter, and the less the more it covers;
 * 2. else the number of edits, if it is at most a third of the longer name's length, or 1;
 * 3. else infinitely far.
 */
function distance(wanted: string, name: string): number {
  const [a, b] = [wanted.toLowerCase(), name.toLowerCase()];
  const [shorter, longer] = a.length < b.length ? [a, b] : [b, a];
  if (shorter.length >= 3 && longer.includes(shorter)) return 1 - shorter.length / longer.length;
  const editCount = edits(a, b);
  return editCount <= Math.max(1, Math.floor(longer.length / 3))
    ? editCount
    : Number.POSITIVE_INFINITY;
}

/** Levenshtein's distance: the insertions, deletions and replacements that make `b` of `a`. */
function edits(a: string, b: string): number {
  const lettersOfB = [...b];
  let row = [...lettersOfB.keys(), lettersOfB.length];
  for (const [i, letterOfA] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, letterOfB] of lettersOfB.entries()) {
      const [left = 0, above = 0, diagonal = 0] = [next[j], row[j + 1], row[j]];
      next.push(Math.min(left + 1, above + 1, diagonal + (letterOfA === letterOfB ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
