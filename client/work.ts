/** Work as the API takes it. */
export type Work = { readonly vcpuHours: number } | { readonly gpuHours: number };

/**
 * Reads work as people write it: `120 vcpu-hours`, `1,000 vcpu hours`, `8 gpu-h`, or a number of
 * vCPU hours. null: it is none of these.
 */
export function workIn(text: string): Work | null {
  const match = /^\s*([\d,]*\.?\d+)\s*(?:(v?cpu|gpu)s?[\s-]*(?:h|hours?))?\s*$/i.exec(text);
  const amount = Number(match?.[1]?.replaceAll(',', ''));
  if (match === null || !(amount > 0)) return null;
  return match[2]?.toLowerCase() === 'gpu' ? { gpuHours: amount } : { vcpuHours: amount };
}
