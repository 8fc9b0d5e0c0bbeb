/**
 * Arguments: the path of a bundle, and an event in JSON. Prints, as JSON, how many milliseconds
 * after the start of the process the bundle answered, and the most memory that the process had.
 */
const { readFileSync } = require('node:fs');

const [bundle, event] = process.argv.slice(2);
const { handler } = require(bundle);
const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 300_000 };
handler(JSON.parse(event), context).then(() => {
  const answer = { ms: performance.now(), memoryKib: memoryKib() };
  process.stdout.write(`\n${JSON.stringify(answer)}`, () => process.exit());
});

/** On Linux, maxRSS counts the process that started this one, too; VmHWM does not. */
function memoryKib() {
  try {
    return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  } catch {
    return process.resourceUsage().maxRSS;
  }
}
