import { createServer } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { listen } from '../../../simulators/listen.ts';
import { LOCAL_AWS } from '../../support/aws.ts';
import { runScript } from './script.ts';

const drain = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  runScript(['drain', ...args], env);

/** An endpoint for all services of AWS, whose every call fails with the error. */
async function anAws(type: string, message: string, status = 400) {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'x-amzn-errortype': type, 'content-type': 'application/json' });
    response.end(JSON.stringify({ __type: type, Message: message, message }));
  });
  onTestFinished(() => void server.close());
  return listen(server, 0);
}

it('npm run drain prints a line or two of advice for a fault, and exits with 1', async () => {
  const missing = await anAws('ResourceNotFoundException', 'Function not found', 404);
  const denied = await anAws('AccessDeniedException', 'not authorized to perform: lambda', 403);
  const stage = ['--stage', 'prod'];
  const { AWS_REGION: _, ...noRegion } = LOCAL_AWS;
  const wrong = await Promise.all([
    drain([], LOCAL_AWS),
    drain(stage, { ...LOCAL_AWS, AWS_ENDPOINT_URL: missing }),
    drain(stage, { ...LOCAL_AWS, AWS_ENDPOINT_URL: denied }),
    drain(stage, noRegion),
    drain(stage, { AWS_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true' }),
    drain([...stage, '--region', 'eu-west-1'], { ...noRegion, AWS_ENDPOINT_URL: missing }),
  ]);
  expect(wrong.map(({ code, stdout }) => [code, stdout])).toEqual(wrong.map(() => [1, '']));
  expect(wrong.map(({ stderr }) => stderr)).toEqual([
    expect.stringMatching(/^required option '--stage <stage>' not specified\nUsage: npm run drain/),
    expect.stringMatching(/^prod is not deployed in this region: .*Give --stage or --region/),
    expect.stringMatching(/^not authorized .*\nThe drain needs lambda: GetFunctionConfiguration/),
    'Set AWS_REGION, or give --region.\n',
    expect.stringMatching(/^No AWS credentials were found\. Set AWS_PROFILE/),
    expect.stringMatching(/^prod is not deployed in this region/),
  ]);
});
