import { POLICIES, type PolicyName, policyJson } from '../deployer/policies.ts';
import type { AwsRequest } from './aws-request.ts';
import { ACCOUNT, BY_TLS, callIam, type Emulator } from './emulator.ts';
import { type Recorder, startRecorder } from './recorder.ts';

/** A user of the emulated account who has only one of the policies in ops/policies. */
export interface User {
  readonly policy: PolicyName;
  /** An environment in which AWS's tools and clients reach the emulator as this user. */
  readonly env: Readonly<Record<string, string>>;
  /** The user's calls. */
  readonly recorder: Recorder;
}

/** The users who deploy a stage and who operate it. */
export interface Users {
  readonly deployer: User;
  readonly operator: User;
  close(): Promise<void>;
}

/** Makes the policies of a stage, as docs/operate.md has an administrator make them, and the users. */
export async function createUsers(emulator: Emulator, stage: string): Promise<Users> {
  for (const name of POLICIES) {
    const PolicyDocument = policyJson(name, { ...ACCOUNT, stage });
    const PolicyName = `onebuck-${stage}-${name}`;
    await callIam(emulator, { Action: 'CreatePolicy', PolicyName, PolicyDocument });
  }
  const [deployer, operator] = await Promise.all([
    createUser(emulator, stage, 'deployer'),
    createUser(emulator, stage, 'operator'),
  ]);
  const close = async () => {
    for (const { recorder } of [deployer, operator]) await recorder.close();
  };
  return { deployer, operator, close };
}

async function createUser(emulator: Emulator, stage: string, policy: PolicyName): Promise<User> {
  const UserName = policy;
  await callIam(emulator, { Action: 'CreateUser', UserName });
  const PolicyArn = policyArn(stage, policy);
  await callIam(emulator, { Action: 'AttachUserPolicy', UserName, PolicyArn });
  const key = await callIam(emulator, { Action: 'CreateAccessKey', UserName });
  const recorder = await startRecorder(emulator.endpoint, {
    mayBeRefused: isNotNeeded,
    added: BY_TLS,
  });
  const env = {
    ...emulator.env,
    AWS_ENDPOINT_URL: recorder.url,
    AWS_ACCESS_KEY_ID: elementsOf(key, 'AccessKeyId')[0] ?? '',
    AWS_SECRET_ACCESS_KEY: elementsOf(key, 'SecretAccessKey')[0] ?? '',
  };
  return { policy, env, recorder };
}

/**
 * `serverless remove` looks for a repository of images, which no stage of ours has, and goes on if
 * AWS refuses.
 */
const isNotNeeded = ({ service }: AwsRequest): boolean => service === 'ecr';

/**
 * Bounds the roles of the deployed stage, since the emulator takes no boundary from a template. From
 * then on it refuses what the boundary does not allow.
 */
export async function boundRoles(emulator: Emulator, stage: string): Promise<number> {
  const list = await callIam(emulator, { Action: 'ListRoles', MaxItems: '1000' });
  const names = elementsOf(list, 'RoleName').filter((name) => name.startsWith(`onebuck-${stage}-`));
  const PermissionsBoundary = policyArn(stage, 'boundary');
  for (const RoleName of names) {
    const input = { Action: 'PutRolePermissionsBoundary', RoleName, PermissionsBoundary };
    await callIam(emulator, input);
  }
  return names.length;
}

const policyArn = (stage: string, name: PolicyName) =>
  `arn:aws:iam::${ACCOUNT.id}:policy/onebuck-${stage}-${name}`;

const elementsOf = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, text = '']) => text);
