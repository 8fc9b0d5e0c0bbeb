import { join } from 'node:path';
import { sourcesOfHost, startMirror } from './mirror.ts';
import { missingForNodes } from './requirements.ts';
import { nodesFolder, rootFileSystem } from './root-file-system.ts';

/** Builds the root file system of nodes that boot, if it is not there. */
const missing = await missingForNodes();
if (missing === null) {
  const mirror = await startMirror(await sourcesOfHost(process.env), join(nodesFolder, 'copies'));
  await rootFileSystem(mirror, console.log);
  mirror.close();
} else console.log(missing);
