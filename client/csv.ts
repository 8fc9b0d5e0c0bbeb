export { csvLines } from '../lib/core/base/csv.ts';
