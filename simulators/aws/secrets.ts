import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { listen } from '../listen.ts';

export interface LocalSecrets {
  readonly url: string;
  close(): void;
}

export interface SecretsOptions {
  readonly port?: number;
  /** Called with the new current value whenever the current value has changed. */
  readonly onChange?: (value: string) => void;
}

type Input = Readonly<Record<string, unknown>>;
type Answer = readonly [status: number, body: Readonly<Record<string, unknown>>];
type Call = (input: Input) => Answer;

/**
 * Starts a stand-in for Secrets Manager (JSON protocol 1.1) that creates, reads and changes one
 * secret. `value`: the secret's first current value; null: the secret does not exist yet.
 */
export async function startSecrets(
  secretId: string,
  value: string | null,
  { port = 0, onChange = () => {} }: SecretsOptions = {},
): Promise<LocalSecrets> {
  const calls = createSecret(secretId, value, onChange);
  const server: Server = createServer(async (request, response) => {
    const target = `${request.headers['x-amz-target']}`;
    const input = JSON.parse((await text(request)) || '{}') as Input;
    const call = calls[target.replace(/^secretsmanager\./, '')];
    const [status, body] = call === undefined ? notSimulated(target) : answer(call, input);
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(body));
  });
  const answer = (call: Call, input: Input) =>
    (input.SecretId ?? input.Name) === secretId ? call(input) : notFound();
  const url = await listen(server, port);
  return {
    url,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const CURRENT = 'AWSCURRENT';
const PREVIOUS = 'AWSPREVIOUS';

/** The calls on a secret, by name. A secret has versions; each staging label is on one version. */
function createSecret(
  Name: string,
  first: string | null,
  onChange: (value: string) => void,
): Readonly<Record<string, Call>> {
  const firstId: string = randomUUID();
  const versions = new Map(first === null ? [] : [[firstId, first]]);
  const labels = new Map(first === null ? [] : [[CURRENT, firstId]]);
  const ARN = `arn:aws:secretsmanager:local:0:secret:${Name}`;

  function move(label: string, to: string): void {
    const from = labels.get(label);
    labels.set(label, to);
    if (label !== CURRENT || from === undefined || from === to) return;
    labels.set(PREVIOUS, from);
    onChange(versions.get(to) ?? '');
  }

  const calls: Readonly<Record<string, Call>> = {
    CreateSecret({ SecretString, ClientRequestToken }) {
      const id = `${ClientRequestToken}`;
      if (typeof SecretString !== 'string') return notSimulated('a secret without a string');
      if (versions.size > 0 && versions.get(id) !== SecretString) {
        return refusal('ResourceExistsException', `The secret ${Name} already exists.`);
      }
      versions.set(id, SecretString);
      labels.set(CURRENT, id);
      onChange(SecretString);
      return [200, { ARN, Name, VersionId: id }];
    },

    GetSecretValue({ VersionId, VersionStage = CURRENT }) {
      if (VersionId !== undefined) return notSimulated('GetSecretValue by VersionId');
      const id = labels.get(`${VersionStage}`);
      const SecretString = versions.get(id ?? '');
      if (SecretString === undefined) {
        return refusal('ResourceNotFoundException', `There is no version ${VersionStage}.`);
      }
      return [200, { ARN, Name, VersionId: id, SecretString }];
    },

    PutSecretValue({ SecretString, ClientRequestToken, VersionStages = [CURRENT] }) {
      const id = `${ClientRequestToken}`;
      if (typeof SecretString !== 'string') return notSimulated('a binary secret');
      if ((versions.get(id) ?? SecretString) !== SecretString) {
        return refusal('ResourceExistsException', 'The version has another value already.');
      }
      versions.set(id, SecretString);
      for (const label of VersionStages as string[]) move(label, id);
      return [200, { ARN, Name, VersionId: id, VersionStages }];
    },

    /** Compare and set: refuses unless `RemoveFromVersionId` is the version with the label. */
    UpdateSecretVersionStage({ VersionStage, RemoveFromVersionId, MoveToVersionId }) {
      const [label, to] = [`${VersionStage}`, `${MoveToVersionId}`];
      if (!versions.has(to)) {
        return refusal('ResourceNotFoundException', `There is no version ${to}.`);
      }
      const holder = labels.get(label);
      if (holder !== undefined && holder !== to && holder !== RemoveFromVersionId) {
        return refusal('InvalidParameterException', `${label} is attached to version ${holder}.`);
      }
      move(label, to);
      return [200, { ARN, Name }];
    },
  };
  const exists = () => versions.size > 0;
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      name,
      (input: Input) => (exists() || name === 'CreateSecret' ? call(input) : notFound()),
    ]),
  );
}

const notFound = (): Answer =>
  refusal('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");

const refusal = (type: string, Message: string): Answer => [400, { __type: type, Message }];

const notSimulated = (what: string): Answer => [
  501,
  { __type: 'NotImplemented', message: `${what} is not simulated` },
];
