import {
  GetFunctionConfigurationCommand,
  type LambdaClient,
  ResourceNotFoundException,
} from '@aws-sdk/client-lambda';

export const reconcileOf = (stage: string): string => `onebuck-${stage}-reconcile`;

/**
 * What the functions of the stage were deployed with, asked of the one that destroys; null: it is
 * not deployed in this region.
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
