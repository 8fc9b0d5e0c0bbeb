import { LINODE_TOKEN, PASSWORD_KEY } from '../deploy/deployment.ts';
import { expect } from '../deploy/expect.ts';
import { API_TOKEN, type Functions } from './world.ts';

/** Lines of the emulator, which Lambda writes beside the lines of the function. */
const OF_LAMBDA = /^(START|END|REPORT) RequestId: |^\d+ \w+ \d+ [\d:,]+ \[\w+\] |^$/;
/** The report of the runtime client of an error that the handler threw. */
const THROWN = /^\S+\t\S+\tERROR\tInvoke Error *\t(\{.*\})$/;
const SECRETS = [LINODE_TOKEN, PASSWORD_KEY, API_TOKEN];

/** The lines of the function itself and of the runtime client. */
export const ownLines = (lines: readonly string[]): string[] =>
  lines.filter((line) => !OF_LAMBDA.test(line));

/**
 * Every line of a function must be JSON, which CloudWatch Logs can search, or the report of an error
 * that the handler threw: just one of each function of `failed`. No line may have a secret.
 */
export function expectLogs({ logs }: Functions, failed: readonly string[]): string {
  let count = 0;
  const threw: string[] = [];
  for (const [name, lines] of logs) {
    for (const line of ownLines(lines)) {
      const secret = SECRETS.find((text) => line.includes(text));
      expect(secret === undefined, `${name} logs the secret ${secret}: ${line}`);
      if (THROWN.test(line)) threw.push(name);
      else expect(isJson(line), `${name} logs what is not JSON: ${line}`);
      count += 1;
    }
  }
  const wanted = failed.toSorted().join(', ');
  expect(
    threw.toSorted().join(', ') === wanted,
    `errors of ${threw}, not of ${wanted}, are logged`,
  );
  return `logged: ${count} lines, without secrets, among them the errors of ${wanted}`;
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}
