import { createMemoryFiles } from '../../../../simulators/aws/memory-files.ts';
import {
  jobFilesContract,
  jobFilesPromises,
  lengthPromises,
  type Web,
} from '../../../support/job-files-contract.ts';

jobFilesContract('the files in memory', [...jobFilesPromises, ...lengthPromises], async () => {
  const files = createMemoryFiles();
  const web: Web = async (url, { method, body } = {}) => {
    if (method === 'PUT') {
      const bytes = new Uint8Array(await new Response(body ?? '').arrayBuffer());
      const isTaken = files.send(url, bytes);
      return new Response(isTaken ? null : 'AccessDenied', { status: isTaken ? 200 : 403 });
    }
    const found = files.fetch(url);
    return new Response(found as BodyInit | null, { status: found === null ? 404 : 200 });
  };
  return { ...files, web };
});
