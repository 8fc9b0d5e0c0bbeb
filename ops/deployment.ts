import {
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';

export const reconcileOf = (stage: string): string => `onebuck-${stage}-reconcile`;

/**
 * The environment of the deployed function `reconcile` of the stage. null: the stage is not
 * deployed in this region.
 */
export async function deployedEnvironment(
  client: LambdaClient,
  stage: string,
): Promise<Readonly<Record<string, string>> | null> {
  const FunctionName = reconcileOf(stage);
  try {
    const answer = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
    return answer.Environment?.Variables ?? {};
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return null;
    throw error;
  }
}
