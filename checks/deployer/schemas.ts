import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What AWS publishes of its services, as far as these checks need it. */
export interface AwsFacts {
  /**
   * The actions that CloudFormation needs, by its schema of the type of resource, to create, read,
   * update and delete a resource with whatever properties. Throws if the type has no such schema.
   */
  handlerActions(type: string): readonly string[];
  /** Whether IAM judges the action on a resource. All others are judged on `*`. */
  isOnResource(action: string): boolean;
}

interface Schema {
  readonly typeName: string;
  readonly handlers?: Readonly<Record<string, { readonly permissions?: readonly string[] }>>;
}

type Services = Readonly<
  Record<string, { readonly Actions: Readonly<Record<string, { readonly Resources?: unknown }>> }>
>;

const HANDLERS = ['create', 'read', 'update', 'delete'];

/**
 * Reads the schemas of CloudFormation and the service authorization reference, which cfn-lint has
 * with it. `programs`: the folder of the programs of checks/requirements.txt.
 */
export function readAwsFacts(programs: string): AwsFacts {
  const lib = join(programs, '..', 'lib');
  const [python = ''] = readdirSync(lib).filter((name) => name.startsWith('python3'));
  const data = join(lib, python, 'site-packages', 'cfnlint', 'data');
  const read = (...path: string[]) => JSON.parse(readFileSync(join(data, ...path), 'utf8'));
  const services = read('AdditionalSpecs', 'Policies.json') as Services;
  const schemas = new Map(
    readdirSync(join(data, 'schemas', 'resources'))
      .filter((name) => name.endsWith('.json'))
      .map((name) => read('schemas', 'resources', name) as Schema)
      .map((schema) => [schema.typeName, schema]),
  );
  return {
    handlerActions(type) {
      const { handlers } = schemas.get(type) ?? {};
      if (handlers === undefined)
        throw new Error(`cfn-lint has no schema with handlers of ${type}`);
      return [...new Set(HANDLERS.flatMap((name) => handlers[name]?.permissions ?? []))];
    },
    isOnResource(action) {
      const [service = '', name = ''] = action.split(':');
      const known = services[service]?.Actions[name];
      return known === undefined || known.Resources !== undefined;
    },
  };
}
