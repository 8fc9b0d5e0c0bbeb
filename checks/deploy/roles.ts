import { arnIn, type Call, type Grant, grantsOf, judge, rolesOfFunctions } from '../grants.ts';
import type { Template } from '../policies.ts';
import { askedBy, BY_URL } from './aws-request.ts';
import { named } from './deployment.ts';
import { ACCOUNT, type Emulator } from './emulator.ts';
import { expect } from './expect.ts';
import { LOST_RUNS, logOf, lostRuns } from './functions.ts';
import { nightlySchedule } from './nightly.ts';

/** What roles allow on some items of the table, and must not allow on the record of a cluster. */
const NOT_ON_CLUSTERS = [
  'ApiRole dynamodb:DeleteItem',
  'ApiRole dynamodb:UpdateItem',
  'DigestRole dynamodb:GetItem',
  'DigestRole dynamodb:PutItem',
  'DigestRole dynamodb:UpdateItem',
  'SweepRole dynamodb:GetItem',
  'SweepRole dynamodb:PutItem',
];
const CLUSTER = 'c0123456789';

/**
 * Holds every call of a function so far against the roles of the deployed template. IAM must allow
 * each call, and need each grant for some call. The emulator has itself refused calls beyond a role,
 * but it knows no conditions on keys, and a topic's own policy lets the whole account publish: these
 * are judged only here.
 */
export async function expectRoles(
  emulator: Emulator,
  template: Template,
  report: (text: string) => void,
): Promise<void> {
  const grants = grantsOf(template, ACCOUNT);
  const roleOf = roleFinder(template);
  const calls = [
    ...emulator.recorder.requests.flatMap((request) =>
      askedBy(request, ACCOUNT).map((asked) => ({ role: roleOf(request.caller), ...asked })),
    ),
    ...(await callsOfServices(emulator, template, roleOf)),
  ];
  const { denied, needless } = judge(grants, calls);
  expect(denied.length === 0, `a role does not allow what a function does:\n${lines(denied)}`);
  expect(needless.length === 0, `no call needs what a role allows:\n${lines(needless)}`);
  const roles = new Set(grants.map(({ role }) => role));
  report(
    `${calls.length} calls by ${roles.size} roles: 0 denied; 0 of ${grants.length} grants ` +
      'needless, as without any one of them a call is denied',
  );

  for (const text of NOT_ON_CLUSTERS) {
    const call = calls.find(({ role, action }) => `${role} ${action}` === text);
    if (call === undefined) throw new Error(`${text} was not called`);
    const foreign = { ...call, keys: { 'dynamodb:LeadingKeys': [CLUSTER] } };
    const isDenied = judge(grants, [foreign]).denied.length === 1;
    expect(isDenied, `${text} is allowed on the record of a cluster`);
  }
  report(`denied on the record of a cluster: ${NOT_ON_CLUSTERS.join(', ')}`);
}

function roleFinder(template: Template): (functionName: string) => string {
  const roles = rolesOfFunctions(template);
  return (name) => {
    // Only the function `api` signs URLs.
    const role = roles.get(name === BY_URL ? named('api') : name);
    if (role === undefined) throw new Error(`${name} has called AWS, and is no function of ours`);
    return role;
  };
}

/** The calls that services of AWS make with our roles, by what the calls have left behind. */
async function callsOfServices(
  emulator: Emulator,
  template: Template,
  roleOf: (functionName: string) => string,
): Promise<Call[]> {
  const calls: Call[] = [];
  for (const functionName of rolesOfFunctions(template).keys()) {
    const role = roleOf(functionName);
    const group = `log-group:/aws/lambda/${functionName}`;
    const log = await logOf(emulator, functionName, new Date(0));
    for (const logStreamName of new Set(log.map((line) => line.logStreamName))) {
      const resource = arnIn(ACCOUNT, 'logs', `${group}:log-stream:${logStreamName}`);
      calls.push({ role, action: 'logs:CreateLogStream', resource, keys: {} });
      calls.push({ role, action: 'logs:PutLogEvents', resource, keys: {} });
    }
  }
  for (const functionName of await lostRuns(emulator)) {
    const resource = arnIn(ACCOUNT, 'sqs', LOST_RUNS);
    calls.push({ role: roleOf(functionName), action: 'sqs:SendMessage', resource, keys: {} });
  }
  const { Target } = await nightlySchedule(emulator);
  const role = schedulerRole(template);
  calls.push({ role, action: 'lambda:InvokeFunction', resource: Target.Arn, keys: {} });
  // The emulator loses no run, but has the queue to which EventBridge Scheduler sends lost ones.
  const queue = Target.DeadLetterConfig.Arn;
  calls.push({ role, action: 'sqs:SendMessage', resource: queue, keys: {} });
  return calls;
}

/** The role with which EventBridge Scheduler starts the function `nightly`. */
function schedulerRole({ Resources }: Template): string {
  const found = Object.values(Resources).find(({ Type }) => Type === 'AWS::Scheduler::Schedule');
  if (found === undefined)
    throw new Error('the template has no schedule for EventBridge Scheduler');
  const { Target } = found.Properties as {
    Target: { RoleArn: { 'Fn::GetAtt': readonly [role: string, attribute: string] } };
  };
  return Target.RoleArn['Fn::GetAtt'][0];
}

const lines = (list: readonly (Call | Grant)[]): string =>
  list
    .map((one) => {
      const keys = 'keys' in one ? Object.values(one.keys).flat() : [];
      return [one.role, one.action, one.resource, ...keys].join(' ');
    })
    .join('\n');
