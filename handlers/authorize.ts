import type {
  APIGatewayRequestAuthorizerEventV2,
  APIGatewaySimpleAuthorizerWithContextResult,
} from 'aws-lambda';
import { authorize } from '../lib/app/authorize.ts';
import { secrets } from '../lib/wire.ts';

export const handler = async (
  event: APIGatewayRequestAuthorizerEventV2,
): Promise<APIGatewaySimpleAuthorizerWithContextResult<{ owner: string }>> => {
  const owner = await authorize({ secrets: secrets() }, event.identitySource?.[0]);
  return { isAuthorized: owner !== null, context: { owner: owner ?? '' } };
};
