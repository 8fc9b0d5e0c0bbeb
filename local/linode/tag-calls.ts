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

export function createTag(call: Call): string {
  const body = bodyOf(call);
  refuseUnknownFields(body, new Set(['label', 'linodes']));
  const { label, linodes = [] } = body;
  const tagged = idsOf(linodes).map((id) => call.account.find(id, call.now));
  const faults = [
    ...(typeof label === 'string' && isTag(label)
      ? []
      : [{ reason: 'Length must be 3-50 characters', field: 'label' }]),
    ...(tagged.includes(undefined) ? [{ reason: 'linodes is not valid', field: 'linodes' }] : []),
  ];
  if (faults.length > 0) throw new ApiError(400, ...faults);
  call.account.addTag(
    String(label),
    tagged.filter((entry) => entry !== undefined),
  );
  return pythonJson({ label });
}

const idsOf = (value: unknown): number[] =>
  Array.isArray(value) ? value.map(Number) : [Number.NaN];

export function deleteTag({ account, params: [label = ''] }: Call): string {
  if (!account.hasTag(label)) throw notFound();
  account.deleteTag(label);
  return '{}';
}
