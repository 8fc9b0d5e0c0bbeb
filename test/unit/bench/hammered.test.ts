import { expect, it } from 'vitest';
import { totalOf } from '../../../bench/counts.ts';
import { hammered } from '../../../bench/hammered.ts';

const SECONDS_OF_MONTH = 730 * 3_600;

it("strangers' requests, as fast as the limits admit, cost less than $300 a month", () => {
  const { open, refused } = hammered();
  expect(totalOf(open)).toBeGreaterThan(10);
  expect(totalOf(refused)).toBeGreaterThan(10);
  expect(totalOf(open) + totalOf(refused)).toBeLessThan(300);
});

it('counts each route at its own limit, or else at the limit of all', () => {
  const { open, refused } = hammered();
  // /, /assets/{file}, /health and unknown routes at 2 a second, /openapi.json at 1.
  expect(open.get('API Gateway')?.units).toBe((4 * 2 + 1) * SECONDS_OF_MONTH);
  // Four routes at 2 a second, 16 at 1, that of a job at 4, that of the agents at 5, two at 10, and
  // the admin's seven at a quarter.
  const rates = 4 * 2 + 16 + 4 + 5 + 2 * 10 + 7 / 4;
  expect(refused.get('API Gateway')?.units).toBe(rates * SECONDS_OF_MONTH);
});

it('counts what a refused request costs: the function, the access log, and the answer', () => {
  const { refused } = hammered();
  const requests = refused.get('API Gateway')?.units ?? 0;
  expect(refused.get('Lambda, requests')?.units).toBe(requests);
  const bytes = (refused.get('CloudWatch Logs')?.units ?? 0) / requests;
  expect(bytes).toBeGreaterThan(100);
  // Without the setting `logs` of the API, Lambda's own lines would double this.
  expect(bytes).toBeLessThan(500);
  expect(refused.get('Data sent')?.units).toBe(1_000 * requests);
});
