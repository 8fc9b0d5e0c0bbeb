import { posix } from 'node:path';

/**
 * Whether a symbolic link in a folder tree stays in the tree, wherever its target leads: the target is
 * relative, climbs only at its beginning, and no higher than the link lies deep. (`a/..` may leave the
 * tree where `a` is a link itself.) The folders above the link must be real ones.
 */
export function staysInside(name: string, target: string): boolean {
  if (target === '' || posix.isAbsolute(target) || /[\\:\p{Cc}]/u.test(target)) return false;
  const steps = target.split('/').filter((step) => step !== '' && step !== '.');
  const climbs = steps.findIndex((step) => step !== '..');
  const up = climbs < 0 ? steps.length : climbs;
  const depth = name.split('/').length - 1;
  return up <= depth && !steps.slice(up).includes('..');
}
