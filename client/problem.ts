import type { Problem } from './answers.ts';
import { Refusal } from './api.ts';

/**
 * A fault with the name of its field: most of the API's messages begin with the path of the field,
 * the others are to be read after the field's name.
 */
export const faultWords = (name: string, message: string): string =>
  /^(must|is|has)\b/.test(message) ? `${name} ${message}` : message;

/** The faults of a problem, each as a sentence, but for those that the problem's detail names. */
export const faultsOf = ({ detail, errors = [] }: Problem): readonly string[] =>
  errors
    .filter(({ message }) => !detail.includes(message))
    .map(({ path, message }) => faultWords(path, message));

/**
 * Whether Onebuck answered a launch with what Linode refused: Onebuck asks Linode for prices before
 * it writes down a launch, so that nothing was launched.
 */
export const isLinodesRefusal = (error: unknown): boolean =>
  error instanceof Refusal && /^linode/.test(error.problem?.code ?? '');
