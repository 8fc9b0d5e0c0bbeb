import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from './listen.ts';

export interface LocalSecrets {
  readonly url: string;
  close(): void;
}

/** Secrets Manager, as far as GetSecretValue of one secret goes (JSON protocol 1.1). */
export async function startSecrets(
  secretId: string,
  value: string,
  port = 0,
): Promise<LocalSecrets> {
  const server: Server = createServer(async (request, response) => {
    const target = request.headers['x-amz-target'];
    const { SecretId } = JSON.parse((await text(request)) || '{}') as { SecretId?: unknown };
    const [status, body] =
      target !== 'secretsmanager.GetSecretValue'
        ? [501, { __type: 'NotImplemented', message: `${target} is not simulated` }]
        : SecretId !== secretId
          ? [400, { __type: 'ResourceNotFoundException', Message: "Can't find the secret." }]
          : [
              200,
              {
                ARN: `arn:aws:secretsmanager:local:0:secret:${secretId}`,
                Name: secretId,
                SecretString: value,
              },
            ];
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  });
  const url = await listen(server, port);
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
