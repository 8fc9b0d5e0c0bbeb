import { hkdfSync } from 'node:crypto';
import type { NodeLabel } from '../core/base/names.ts';

/**
 * The root password of a node. It is derived from the deployment's key, so that it is stored
 * nowhere and a repeated create uses the same password. 24 derived bytes follow a prefix for rules
 * that want one character of each kind (Linode takes 7 to 128 characters and scores their
 * strength).
 */
export function rootPassword(key: string, label: NodeLabel): string {
  const bytes = hkdfSync('sha256', key, 'onebuck root password', label, 24);
  return `Aa1-${Buffer.from(bytes).toString('base64url')}`;
}
