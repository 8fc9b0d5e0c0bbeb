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
      .filter((entry) => entry.tags.includes(label))
      .map((entry) => ({ type: 'linode', data: wireInstance(entry, now, beta) })),
  );
}

/** What else of an account can bear tags, and is not simulated: there is none to put one on. */
const othersWithTags = ['domains', 'nodebalancers', 'reserved_ipv4_addresses', 'volumes'];

export function createTag(call: Call): string {
  const body = bodyOf(call);
  refuseUnknownFields(body, new Set(['label', 'linodes', ...othersWithTags]));
  const { label } = body;
  const tagged = listOf(body.linodes).map((id) => call.account.find(Number(id), call.now));
  const notValid = [
    ...(tagged.includes(undefined) ? ['linodes'] : []),
    ...othersWithTags.filter((name) => listOf(body[name]).length > 0),
  ];
  const faults = [
    ...(typeof label === 'string' && isTag(label)
      ? []
      : [{ reason: 'Length must be 3-50 characters', field: 'label' }]),
    ...notValid.map((field) => ({ reason: `${field} is not valid`, field })),
  ];
  if (faults.length > 0) throw new ApiError(400, ...faults);
  call.account.addTag(
    String(label),
    tagged.filter((entry) => entry !== undefined),
  );
  return pythonJson({ label });
}

/** What is no list counts as a list of something that there is not. */
function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return value === undefined || value === null ? [] : [undefined];
}

export function deleteTag({ account, params: [label = ''] }: Call): string {
  if (!account.hasTag(label)) throw notFound();
  account.deleteTag(label);
  return '{}';
}
