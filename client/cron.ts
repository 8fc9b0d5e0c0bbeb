/* What the API reads cron expressions with. It is large: import it when it is asked for. */

export { faultOfCron } from '../lib/core/schedule/cron.ts';
export { faultOfNoCap, mostRunsInMonth } from '../lib/core/schedule/worst-month.ts';
