import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { serveAsset } from '../lib/http/console.ts';
import { jobFilesUrl } from '../lib/wire.ts';
import assets from '../web/dist/console.json';

export const handler = async ({
  rawPath,
  headers,
}: APIGatewayProxyEventV2): Promise<APIGatewayProxyStructuredResultV2> => ({
  ...serveAsset(assets, { path: rawPath, headers }, jobFilesUrl()),
});
