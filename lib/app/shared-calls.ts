import type { Tag } from '../core/base/names.ts';
import { type EpochMs, latest } from '../core/base/units.ts';
import type { LinodeApi } from '../ports.ts';

/**
 * Linode's API for the passes of one function, which share lists and deletions of tags. Passes that
 * ask for a list while another list of the same tag is under way all get the next list: a list
 * never begins before it was asked for.
 */
export function shareCalls(linode: LinodeApi): LinodeApi {
  return {
    ...linode,
    listByTag: sharing((tag, by) => linode.listByTag(tag, by)),
    deleteTag: sharing((tag, by) => linode.deleteTag(tag, by)),
  };
}

type Call<T> = (tag: Tag, by: EpochMs) => Promise<T>;

function sharing<T>(call: Call<T>): Call<T> {
  const underWay = new Map<Tag, Promise<unknown>>();
  const next = new Map<Tag, { readonly call: Promise<T>; by: EpochMs }>();

  function start(tag: Tag, by: EpochMs): Promise<T> {
    const started = call(tag, by);
    const ended = started.then(ignore, ignore).then(() => {
      if (underWay.get(tag) === ended) underWay.delete(tag);
    });
    underWay.set(tag, ended);
    return started;
  }

  function joinNext(tag: Tag, by: EpochMs, current: Promise<unknown>): Promise<T> {
    const joined = next.get(tag);
    if (joined !== undefined) {
      joined.by = latest(joined.by, by);
      return joined.call;
    }
    const following = current.then(() => {
      const last = next.get(tag)?.by ?? by;
      next.delete(tag);
      return start(tag, last);
    });
    next.set(tag, { call: following, by });
    return following;
  }

  return (tag, by) => {
    const current = underWay.get(tag);
    return current === undefined ? start(tag, by) : joinNext(tag, by, current);
  };
}

const ignore = () => {};
