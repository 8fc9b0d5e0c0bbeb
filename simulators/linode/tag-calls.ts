import { ApiError, notFound } from './api-error.ts';
import { bodyOf, type Call } from './call.ts';
import { pageOf } from './collection.ts';
import { isTag, refuseUnknownFields } from './create-request.ts';
import { wireInstance } from './instance.ts';
import { pythonJson } from './json.ts';

export function listTags(call: Call): string {
  return pageOf(call, [], () => call.account.tags().map((label) => ({ label })));
}

export function listTagged(call: Call): string {
  const { account, params, now, beta } = call;
  const label = params[0] ?? '';
  if (!account.hasTag(label)) throw notFound();
  return pageOf(call, [], () =>
    account
      .present(now)
      .filter((instance) => instance.tags.includes(label))
      .map((instance) => ({ type: 'linode', data: wireInstance(instance, now, beta) })),
  );
}

/** Fields of the real API that tag other things than Linodes; the simulator has only Linodes. */
const absentTaggables = ['domains', 'nodebalancers', 'reserved_ipv4_addresses', 'volumes'];

export function createTag(call: Call): string {
  const body = bodyOf(call);
  refuseUnknownFields(body, new Set(['label', 'linodes', ...absentTaggables]));
  const { label } = body;
  const tagged = listOf(body.linodes).map((id) => call.account.find(Number(id), call.now));
  const notValid = [
    ...(tagged.includes(undefined) ? ['linodes'] : []),
    ...absentTaggables.filter((name) => listOf(body[name]).length > 0),
  ];
  const errors = [
    ...(typeof label === 'string' && isTag(label)
      ? []
      : [{ reason: 'Length must be 3-50 characters', field: 'label' }]),
    ...notValid.map((field) => ({ reason: `${field} is not valid`, field })),
  ];
  if (errors.length > 0) throw new ApiError(400, ...errors);
  call.account.addTag(
    String(label),
    tagged.filter((instance) => instance !== undefined),
  );
  return pythonJson({ label });
}

/** A value that is not a list becomes a list of one thing that does not exist. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [undefined];
}

export function deleteTag({ account, params: [label = ''] }: Call): string {
  if (!account.hasTag(label)) throw notFound();
  account.deleteTag(label);
  return '{}';
}
