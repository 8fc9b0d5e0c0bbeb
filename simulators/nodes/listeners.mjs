import { createServer } from 'node:net';

/*
 * Runs in the network namespace of a lab. Listens on each `address:port` of its arguments, and
 * hands the listening sockets to the process that started it: a socket stays in the namespace in
 * which it was opened, whoever accepts on it.
 */
for (const place of process.argv.slice(2)) {
  const [host, port] = place.split(':');
  const server = createServer();
  server.on('error', (error) => process.send({ place, reason: error.message }));
  server.listen(Number(port), host, () => process.send({ place }, server));
}
process.on('disconnect', () => process.exit());
