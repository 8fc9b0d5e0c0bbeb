const NAMES = ['FormData', 'Request', 'Response'] as const;

/** The globals of fetch, which are hidden from the load of this module until `showFetch`. */
const hidden = NAMES.flatMap((name) => {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
  return descriptor === undefined ? [] : [{ name, descriptor }];
});
for (const { name } of hidden) Reflect.deleteProperty(globalThis, name);

/** Puts the hidden globals back. */
export function showFetch(): void {
  for (const { name, descriptor } of hidden) Object.defineProperty(globalThis, name, descriptor);
}
