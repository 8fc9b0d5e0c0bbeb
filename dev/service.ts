import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { projectDir, serverlessBin } from '../build/project.ts';
import { LOCAL_STAGE } from '../ops/settings.ts';
import type { TableProperties } from '../simulators/aws/dynamodb.ts';
import type { Rule } from '../simulators/aws/eventbridge.ts';

export const STAGE = LOCAL_STAGE;

/** The parts of serverless.yml that the local stack stands on, resolved for the stage `local`. */
export interface Service {
  readonly table: TableProperties;
  readonly secretId: string;
  /** The name of each function, by its key in serverless.yml. */
  readonly functionNames: Readonly<Record<string, string>>;
  /** How many retries a function gets, by its name; only functions whose number is declared. */
  readonly retries: Readonly<Record<string, number>>;
  readonly rules: readonly Rule[];
}

interface Printed {
  readonly custom: { readonly secret: string };
  readonly functions: Readonly<Record<string, PrintedFunction>>;
  readonly resources: {
    readonly Resources: { readonly ClustersTable: { readonly Properties: TableProperties } };
  };
}

interface PrintedFunction {
  readonly name: string;
  readonly maximumRetryAttempts?: number;
  readonly events?: readonly { readonly schedule?: PrintedSchedule | string }[];
}

interface PrintedSchedule {
  readonly rate: readonly string[];
  readonly timezone?: string;
  readonly enabled?: boolean;
  readonly input?: unknown;
}

/** Reads serverless.yml by `serverless print`, which resolves its variables. */
export async function readService(): Promise<Service> {
  const args = [serverlessBin, 'print', '--stage', STAGE, '--format', 'json'];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: projectDir,
    maxBuffer: 16 * 1024 * 1024,
  });
  const printed = JSON.parse(stdout) as Printed;
  const functions = Object.entries(printed.functions);
  return {
    table: printed.resources.Resources.ClustersTable.Properties,
    secretId: printed.custom.secret,
    functionNames: Object.fromEntries(functions.map(([key, { name }]) => [key, name])),
    retries: Object.fromEntries(
      functions.flatMap(([, { name, maximumRetryAttempts }]) =>
        maximumRetryAttempts === undefined ? [] : [[name, maximumRetryAttempts]],
      ),
    ),
    rules: functions.flatMap(([, declared]) => rulesOf(declared)),
  };
}

function rulesOf({ name, events = [] }: PrintedFunction): Rule[] {
  return events.flatMap(({ schedule }) => {
    if (schedule === undefined) return [];
    if (typeof schedule === 'string') {
      return [{ functionName: name, rate: schedule, timezone: 'UTC', input: null }];
    }
    const { rate: rates, timezone = 'UTC', enabled = true, input = null } = schedule;
    return enabled ? rates.map((rate) => ({ functionName: name, rate, timezone, input })) : [];
  });
}
