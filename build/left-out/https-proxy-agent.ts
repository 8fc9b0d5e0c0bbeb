/* In bundles in place of `https-proxy-agent`, by which axios would use a proxy: nothing here does. */

export default class NoProxy {
  constructor() {
    throw new Error('proxies are left out of the bundle: set proxy to false');
  }
}
