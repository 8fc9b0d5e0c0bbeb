/** A script without its comments, which a node does not need and which take bytes of user data. */
export const withoutComments = (script: string): string => script.replaceAll(/^ *#(?!!).*\n/gm, '');

/** A script of a shell without its indentation. No text in it may span lines that are indented. */
export const flat = (script: string): string => script.replaceAll(/^ +/gm, '');
