import type { Report } from './answers.ts';
import type { Api } from './api.ts';

/** What a month (UTC, such as 2026-11) cost; the current one unless given. */
export const getReport = (api: Api, month?: string): Promise<Report> =>
  api.json('/report', { query: { month } });
