/*
 * In bundles in place of `follow-redirects`, by which axios would make each request that may be
 * redirected: none here may, as the token would go with it.
 */

const scheme = {
  request(): never {
    throw new Error('redirects are left out of the bundle: set maxRedirects to 0');
  },
};

export default { http: scheme, https: scheme };
