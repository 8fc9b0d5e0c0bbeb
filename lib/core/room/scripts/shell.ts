/** A script without its comments, which a node does not need and which take bytes of user data. */
export const withoutComments = (script: string): string => script.replaceAll(/^ *#(?!!).*\n/gm, '');
