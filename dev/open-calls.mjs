import { EventEmitter, once } from 'node:events';
import http from 'node:http';

// Both processes of a local stack in patient time load this module before they make any call.

const open = new Set();
const ends = new EventEmitter();

const TURNS = 10;

const { addRequest } = http.Agent.prototype;
http.Agent.prototype.addRequest = function (request, ...rest) {
  open.add(request);
  request.once('close', () => {
    open.delete(request);
    if (open.size === 0) ends.emit('quiet');
  });
  return addRequest.call(this, request, ...rest);
};

export const openCalls = () => open.size;

export async function noOpenCalls() {
  do {
    if (open.size > 0) await once(ends, 'quiet');
    // The code that an answer starts may make its next call a few turns of the event loop later.
    for (let turns = 0; turns < TURNS; turns += 1) await new Promise(setImmediate);
  } while (open.size > 0);
}
