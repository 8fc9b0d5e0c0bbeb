import type { Problem } from './answers.ts';

/**
 * A fault after the name of the field that it is about: most of the API's messages begin with the
 * path of the field, and the others are to be read after it.
 */
export const faultWords = (name: string, message: string): string =>
  /^(must|is|has)\b/.test(message) ? `${name} ${message}` : message;

/** The faults that the problem's detail does not name already, each as a sentence. */
export const faultsOf = ({ detail, errors = [] }: Problem): readonly string[] =>
  errors
    .filter(({ message }) => !detail.includes(message))
    .map(({ path, message }) => faultWords(path, message));
