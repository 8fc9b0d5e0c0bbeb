/* Replaces `https-proxy-agent` in the bundles, by which axios uses a proxy; Onebuck uses none. */

export default class NoProxy {
  constructor() {
    throw new Error('proxies are left out of the bundle: set proxy to false');
  }
}
