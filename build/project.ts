import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export const projectDir = fileURLToPath(new URL('..', import.meta.url));
export const serverlessBin = createRequire(import.meta.url).resolve('serverless/bin/serverless.js');
