import type { Page, Request } from 'playwright-core';

/** Of a request that the browser gave up, such as when its page is left. */
const ABORTED = 'net::ERR_ABORTED';

/**
 * Finds the requests of pages that fail, apart from those that a step makes fail. The browser's
 * console tells of a failure without the request, and perhaps only after the step: so what counts is
 * when the request began.
 */
export function createFailures(problems: string[]) {
  const failingPages = new Set<Page>();
  const mayFail = new WeakSet<Request>();

  function judge(p: Page, request: Request, what: string): void {
    if (failingPages.has(p) || mayFail.has(request)) return;
    problems.push(`${request.method()} ${request.url()} ${what}`);
  }

  return {
    watch(p: Page): void {
      p.on('request', (request) => {
        if (failingPages.has(p)) mayFail.add(request);
      });
      p.on('response', (response) => {
        const status = response.status();
        if (status >= 400) judge(p, response.request(), `was answered with ${status}`);
      });
      p.on('requestfailed', (request) => {
        const reason = request.failure()?.errorText ?? 'for no reason';
        if (reason !== ABORTED) judge(p, request, `failed: ${reason}`);
      });
    },
    /** Requests of the page may fail that are under way while `work` runs. */
    async failing(p: Page, work: () => Promise<void>): Promise<void> {
      failingPages.add(p);
      try {
        await work();
      } finally {
        failingPages.delete(p);
      }
    },
  };
}
