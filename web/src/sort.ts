import { useState } from 'preact/hooks';

export interface Sort<Key> {
  readonly key: Key;
  readonly isDown: boolean;
}

/** What a table is sorted by; a second click on its heading turns the order round. */
export function useSort<Key>(first: Key) {
  const [sort, setSort] = useState<Sort<Key>>({ key: first, isDown: false });
  const toggle = (key: Key) =>
    setSort((before) => ({ key, isDown: before.key === key && !before.isDown }));
  return [sort, toggle] as const;
}
