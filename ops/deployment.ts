import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import {
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';

/** The region and the credentials with which the framework calls AWS. */
export type AwsConfig = Pick<
  DynamoDBClientConfig,
  'region' | 'credentials' | 'requestHandler' | 'endpoint'
>;

export interface Deployment {
  readonly aws: AwsConfig;
  readonly stage: string;
  /** The name of the table in serverless.yml. */
  readonly tableName: string;
}

/** The part of a CloudFormation template that has the table. */
export interface Template {
  readonly Resources?: Readonly<
    Record<string, { readonly Type?: unknown; readonly Properties?: TableDeclared }>
  >;
}

type TableDeclared = Readonly<Record<string, unknown>>;

export const reconcileOf = (stage: string): string => `onebuck-${stage}-reconcile`;

/** The deployed function `reconcile` of the stage. */
export interface Deployed {
  readonly arn: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** null: the stage is not deployed in this region. */
export async function deployedFunction(
  client: LambdaClient,
  stage: string,
): Promise<Deployed | null> {
  const FunctionName = reconcileOf(stage);
  try {
    const answer = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    return { arn: answer.FunctionArn ?? '', environment: answer.Environment?.Variables ?? {} };
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}

/** The environment of `deployedFunction`. */
export const deployedEnvironment = async (client: LambdaClient, stage: string) =>
  (await deployedFunction(client, stage))?.environment ?? null;
