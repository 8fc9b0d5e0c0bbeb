export { plural } from '../lib/core/base/plural.ts';
