/**
 * Of a bundle, to an event: prints how many milliseconds after the process began it came, and the
 * most memory that the process had, in KiB.
 */
const [bundle, event] = process.argv.slice(2);
const { handler } = require(bundle);
const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 300_000 };
handler(JSON.parse(event), context).then(() => {
  const answer = { ms: performance.now(), memoryKib: process.resourceUsage().maxRSS };
  process.stdout.write(`\n${JSON.stringify(answer)}`, () => process.exit());
});
