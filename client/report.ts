import type { Report } from './answers.ts';
import type { Api } from './api.ts';

/** The report on a month (UTC, such as 2026-11), by default the current one. */
export const getReport = (api: Api, month?: string): Promise<Report> =>
  api.json('/report', { query: { month } });
