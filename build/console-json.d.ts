/** The file that build/web.ts writes; it is missing before the first build. */
declare module '*/dist/console.json' {
  const assets: Readonly<Record<string, import('../lib/http/console.ts').Asset>>;
  export default assets;
}
