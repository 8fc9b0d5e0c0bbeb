/** Prints lines, each with the seconds since now before it. */
export function startReport(): (text: string) => void {
  const began = Date.now();
  return (text) =>
    console.log(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${text}`);
}
