process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SNSClient } from '@aws-sdk/client-sns';
import { STSClient } from '@aws-sdk/client-sts';
import { linodeUrl } from '../lib/wire.ts';
import { messageOf } from './advice.ts';
import { awsOptions, openSecretsManager } from './aws.ts';
import { type AwsClients, examine, parseDoctor } from './doctor-command.ts';
import { isHealthy, linesOf } from './doctor-findings.ts';
import { linodeAt } from './linode-token.ts';

/** `npm run doctor`. Finds region and credentials where AWS's own tools find them. */
async function main(args: readonly string[]): Promise<void> {
  const { stage, region } = parseDoctor(args);
  const findings = await examine({
    stage,
    node: { version: process.versions.node, least: leastNode() },
    folder: fileURLToPath(new URL('..', import.meta.url)),
    region: () => openSecretsManager(region).config.region(),
    aws: openClients,
    linodeUrl,
    askLinode: linodeAt,
    linodeToken: process.env.LINODE_TOKEN ?? '',
    nowMs: Date.now(),
  });
  for (const line of linesOf(stage, findings)) console.log(line);
  if (!isHealthy(findings)) process.exitCode = 1;
}

function openClients(region: string): AwsClients {
  const options = awsOptions(region);
  return {
    sts: new STSClient(options),
    lambda: new LambdaClient(options),
    secrets: openSecretsManager(region),
    s3: new S3Client(options),
    sns: new SNSClient(options),
    cloudwatch: new CloudWatchClient(options),
  };
}

/** The least version of Node in package.json, such as 20.19.0. */
function leastNode(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { engines } = JSON.parse(text) as { readonly engines: { readonly node: string } };
  return engines.node.replace('>=', '');
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(messageOf(error));
  process.exitCode = 1;
});
