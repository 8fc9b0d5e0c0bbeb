const NAMES = ['FormData', 'Request', 'Response'] as const;

const hidden = NAMES.flatMap((name) => {
  const descriptor = Object.getOwnPropertyDescriptor(globalThis, name);
  return descriptor === undefined ? [] : [{ name, descriptor }];
});
for (const { name } of hidden) Reflect.deleteProperty(globalThis, name);

export function showFetch(): void {
  for (const { name, descriptor } of hidden) Object.defineProperty(globalThis, name, descriptor);
}
