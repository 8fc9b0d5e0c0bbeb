import { AppError } from '../../errors.ts';
import type { Unreadable } from '../../ports.ts';

/** The error of a call that needs a record which can't be read. */
export function unreadableError({ id, owner, unreadable }: Unreadable<string>): AppError {
  const message =
    `The record ${id} can't be read: ${unreadable}. Nodes of a cluster live until the time in ` +
    'their reap tags. Ask the operator, who finds what to do under UnreadableRecords in ' +
    'docs/operate.md.';
  return new AppError('unreadable', message, { owner });
}
