/*
 * Replaces `follow-redirects` in the bundles, by which axios makes requests that may be redirected.
 * Onebuck's requests must not be redirected, since the new server would get the token.
 */

const scheme = {
  request(): never {
    throw new Error('redirects are left out of the bundle: set maxRedirects to 0');
  },
};

export default { http: scheme, https: scheme };
